import type { GoodputReport } from '../../src/schema/goodput.ts';
import { goodputVerdict, PROBE_COLUMNS, probeRow } from '../goodput-verdict.ts';
import { plain } from './plain.ts';

/** A search for a pull request or a chat. */
export function goodputMarkdown(report: GoodputReport): string {
  const { glyph, sentence, notes } = goodputVerdict(report);
  return [
    `**${glyph} ${plain(sentence)}**`,
    '',
    ...notes.flatMap((note) => [`${plain(note)}.`, '']),
    `${plain(report.workload.name)} on ${plain(report.target.spec)}`,
    '',
    `| ${PROBE_COLUMNS.join(' | ')} |`,
    `| ${PROBE_COLUMNS.map(() => '---').join(' | ')} |`,
    ...report.probes.map((probe) => `| ${probeRow(probe, report.at).map(plain).join(' | ')} |`),
    '',
  ].join('\n');
}
