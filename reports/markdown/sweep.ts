import type { SweepReport } from '../../src/schema/sweep.ts';
import { sweepTables } from '../sweep-tables.ts';
import { sweepVerdict } from '../sweep-verdict.ts';
import { plain } from './plain.ts';

/** A sweep for a pull request or a chat. */
export function sweepMarkdown(report: SweepReport): string {
  const { glyph, sentence, notes } = sweepVerdict(report);
  return [
    `**${glyph} ${plain(sentence)}**`,
    '',
    ...notes.flatMap((note) => [`${plain(note)}.`, '']),
    ...report.targets.map(({ name, spec }) => `- ${plain(name)}: ${plain(spec)}`),
    '',
    ...sweepTables(report).flatMap(({ title, columns, rows }) => [
      `${title}:`,
      '',
      `| ${columns.map(plain).join(' | ')} |`,
      `| ${columns.map(() => '---').join(' | ')} |`,
      ...rows.map((row) => `| ${row.map(plain).join(' | ')} |`),
      '',
    ]),
  ].join('\n');
}
