import { narrowed } from '../goodput-table.ts';
import { goodputsTable } from '../goodputs-table.ts';
import { goodputsVerdict, type TargetGoodput } from '../goodputs-verdict.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import { aligned } from './table.ts';

const COLOURS = { met: 32, missed: 31, unsure: 33, none: 1 } as const;
const WIDTH = 80;

/** A search of several targets for a terminal: which carries most, the ratios, a row a target. No newline at the end. */
export function goodputsText(targets: readonly TargetGoodput[], { color }: { color: boolean }): string {
  const { tone, glyph, sentence, notes } = goodputsVerdict(targets);
  const paint = (text: string): string => (color ? `\u001B[${COLOURS[tone]}m${text}\u001B[0m` : text);
  const { columns, rows } = narrowed(goodputsTable(targets), ['requests', 'binds', 'a GPU'], WIDTH);
  return [
    paint(visibleLine(`${glyph} ${sentence}`)),
    ...notes.map(visibleLine),
    '',
    ...aligned([columns, ...rows.map((row) => row.map(visibleLine))], 'left'),
  ].join('\n');
}
