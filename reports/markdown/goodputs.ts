import { goodputsTable } from '../goodputs-table.ts';
import { goodputsVerdict, type TargetGoodput } from '../goodputs-verdict.ts';
import { plain } from './plain.ts';

/** A search of several targets for a pull request or a chat. */
export function goodputsMarkdown(targets: readonly TargetGoodput[]): string {
  const { glyph, sentence, notes } = goodputsVerdict(targets);
  const { columns, rows } = goodputsTable(targets);
  return [
    `**${glyph} ${plain(sentence)}**`,
    '',
    ...notes.flatMap((note) => [`${plain(note)}.`, '']),
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${row.map(plain).join(' | ')} |`),
    '',
  ].join('\n');
}
