import type { SweepReport } from '../../src/schema/sweep.ts';
import { sweepTables } from '../sweep-tables.ts';
import { sweepVerdict } from '../sweep-verdict.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import { aligned } from './table.ts';

const COLOURS = { unsure: 33, none: 1 } as const;

/** A sweep for a terminal: the answer first, then its tables. No newline at the end. */
export function sweepText(report: SweepReport, { color }: { color: boolean }): string {
  const { tone, glyph, sentence, notes } = sweepVerdict(report);
  const paint = (text: string): string => (color ? `\u001B[${COLOURS[tone]}m${text}\u001B[0m` : text);
  return [
    paint(visibleLine(`${glyph} ${sentence}`)),
    ...notes.map(visibleLine),
    ...report.targets.map(({ name, spec }) => visibleLine(`${name}: ${spec}`)),
    ...sweepTables(report).flatMap(({ title, columns, rows }) => ['', title, ...aligned([columns, ...rows], 'left')]),
  ].join('\n');
}
