import type { Comparison } from '../../src/schema/comparison.ts';
import {
  COMPARISON_COLUMNS,
  comparisonNotes,
  comparisonRow,
  comparisonMark,
  comparisonSentence,
} from '../comparison-words.ts';
import { plain } from './plain.ts';

/** Doubts in full, and letters of a text of the runs: whatever they are named, the whole stays under 64 KiB. */
const DOUBTS = 20;
const LETTERS = 500;

/** A comparison for a pull request or a chat. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { base, new: now, doubts, metrics } = comparison;
  const more = doubts.length - DOUBTS;
  return [
    `**${comparisonMark(comparison).glyph} ${plain(comparisonSentence(comparison))}**`,
    '',
    ...doubts.slice(0, DOUBTS).flatMap(({ text }) => [`**! ${plain(short(text))}**`, '']),
    ...(more > 0 ? [`**! ${more} more like these**`, ''] : []),
    `- base: ${plain(short(base.name))}`,
    `- new: ${plain(short(now.name))}`,
    '',
    `| ${COMPARISON_COLUMNS.join(' | ')} |`,
    `| ${COMPARISON_COLUMNS.map(() => '---').join(' | ')} |`,
    ...metrics.map((metric) => `| ${comparisonRow(metric).map(plain).join(' | ')} |`),
    '',
    ...comparisonNotes(comparison).flatMap((note) => [`${plain(note)}.`, '']),
  ].join('\n');
}

function short(text: string): string {
  const letters = Array.from(text);
  return letters.length <= LETTERS ? text : `${letters.slice(0, LETTERS).join('')} ...`;
}
