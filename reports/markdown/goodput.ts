import type { GoodputReport } from '../../src/schema/goodput.ts';
import { goodputTable, pooledNote } from '../goodput-table.ts';
import { goodputVerdict } from '../goodput-verdict.ts';
import { plain } from './plain.ts';

/** A search for a pull request or a chat. */
export function goodputMarkdown(report: GoodputReport): string {
  const { glyph, sentence, notes } = goodputVerdict(report);
  const { columns, rows } = goodputTable(report);
  const pooled = pooledNote(report);
  return [
    `**${glyph} ${plain(sentence)}**`,
    '',
    ...notes.flatMap((note) => [`${plain(note)}.`, '']),
    `${plain(report.workload.name)} on ${plain(report.target.spec)}`,
    '',
    ...(pooled === null ? [] : [`${plain(pooled)}.`, '']),
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.map(plain).join(' | ')} |`),
    '',
  ].join('\n');
}
