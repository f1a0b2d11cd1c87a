import type { Comparison } from '../../src/schema/comparison.ts';
import {
  COMPARISON_COLUMNS,
  comparisonNotes,
  comparisonRow,
  comparisonMark,
  comparisonSentence,
  shortened,
  shownDoubts,
} from '../comparison-words.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import { aligned } from './table.ts';

const COLOURS = { met: 32, missed: 31, unsure: 33, none: 1 } as const;

/** A comparison for a terminal: the answer, what makes it doubtful, a row a metric. No newline at the end. */
export function comparisonText(comparison: Comparison, { color }: { color: boolean }): string {
  const { tone, glyph } = comparisonMark(comparison);
  const paint = (text: string): string => (color ? `\u001B[${COLOURS[tone]}m${text}\u001B[0m` : text);
  return [
    ...shownDoubts(comparison).map((text) => visibleLine(`! ${text}`)),
    paint(`${glyph} ${comparisonSentence(comparison)}`),
    visibleLine(`base: ${shortened(comparison.base.name)}`),
    visibleLine(`new:  ${shortened(comparison.new.name)}`),
    '',
    ...aligned([[...COMPARISON_COLUMNS], ...comparison.metrics.map(comparisonRow)], 'left'),
    '',
    ...comparisonNotes(comparison).map((note) => `${note}.`),
  ].join('\n');
}
