import type { Trend } from '../../src/trend/trend.ts';
import {
  CHANGE_COLUMNS,
  changeRow,
  changesOf,
  NIGHT_COLUMNS,
  nightRow,
  TREND_COLUMNS,
  trendRow,
  trendVerdict,
} from '../trend-words.ts';
import { plain } from './plain.ts';

/** Nights in the table; the page has all. */
const LAST = 14;

/** A trend for a step summary or a chat: the answer, the metrics, the changes, the last nights. */
export function trendMarkdown(trend: Trend): string {
  const { glyph, sentence, notes } = trendVerdict(trend);
  const { nights, metrics } = trend;
  const changes = changesOf(trend);
  const first = Math.max(0, nights.length - LAST);
  return [
    `**${glyph} ${plain(sentence)}**`,
    '',
    ...notes.flatMap((note) => [`${plain(note)}.`, '']),
    ...table(
      TREND_COLUMNS,
      metrics.map((metric) => trendRow(metric, nights)),
    ),
    ...table(
      CHANGE_COLUMNS,
      changes.map((change) => changeRow(change, nights)),
    ),
    ...table(
      NIGHT_COLUMNS,
      nights
        .slice(first)
        .map((night, i) => nightRow(night, first + i))
        .toReversed(),
    ),
  ].join('\n');
}

/** Nothing without rows. */
function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return [
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.map(plain).join(' | ')} |`),
    '',
  ];
}
