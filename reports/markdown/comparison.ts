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
import { plain } from './plain.ts';

/**
 * A comparison for a pull request or a chat: under the 65,536 characters that a comment may have, whatever its runs are
 * named and however many there are.
 */
export function comparisonMarkdown(comparison: Comparison): string {
  const { base, new: now, metrics } = comparison;
  return [
    `**${comparisonMark(comparison).glyph} ${plain(comparisonSentence(comparison))}**`,
    '',
    ...shownDoubts(comparison).flatMap((text) => [`**! ${visibleLine(plain(text))}**`, '']),
    `- base: ${visibleLine(plain(shortened(base.name)))}`,
    `- new: ${visibleLine(plain(shortened(now.name)))}`,
    '',
    `| ${COMPARISON_COLUMNS.join(' | ')} |`,
    `| ${COMPARISON_COLUMNS.map(() => '---').join(' | ')} |`,
    ...metrics.map((metric) => `| ${comparisonRow(metric).map(plain).join(' | ')} |`),
    '',
    ...comparisonNotes(comparison).flatMap((note) => [`${plain(note)}.`, '']),
  ].join('\n');
}
