import type { GoodputReport } from '../../src/schema/goodput.ts';
import { goodputVerdict, PROBE_COLUMNS, probeRow } from '../goodput-verdict.ts';
import { aligned, printable } from './table.ts';

const COLOURS = { met: 32, missed: 31, unsure: 33, none: 1 } as const;

/** A search for a terminal: the answer first, then its runs. No newline at the end. */
export function goodputText(report: GoodputReport, { color }: { color: boolean }): string {
  const { tone, glyph, sentence, notes } = goodputVerdict(report);
  const paint = (text: string): string => (color ? `\u001B[${COLOURS[tone]}m${text}\u001B[0m` : text);
  return [
    paint(`${glyph} ${sentence}`),
    ...notes,
    printable(`${report.workload.name} -> ${report.target.spec}`),
    '',
    ...aligned([[...PROBE_COLUMNS], ...report.probes.map((probe) => probeRow(probe, report.at))], 'left'),
  ].join('\n');
}
