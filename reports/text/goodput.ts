import type { GoodputReport } from '../../src/schema/goodput.ts';
import { goodputTable, narrowed, pooledNote, stacked } from '../goodput-table.ts';
import { goodputVerdict } from '../goodput-verdict.ts';
import { visibleLine } from '../../src/core/visible-text.ts';
import { aligned } from './table.ts';

const COLOURS = { met: 32, missed: 31, unsure: 33, none: 1 } as const;
const WIDTH = 80;
/** What a terminal can do without, first to go first. */
const DISPENSABLE = ['requests', 'run', '95 % interval'];

/** A search for a terminal: the answer first, then what was seen at which rate. No newline at the end. */
export function goodputText(report: GoodputReport, { color }: { color: boolean }): string {
  const { tone, glyph, sentence, notes } = goodputVerdict(report);
  const paint = (text: string): string => (color ? `\u001B[${COLOURS[tone]}m${text}\u001B[0m` : text);
  const { columns, rows } = narrowed(stacked(goodputTable(report)), DISPENSABLE, WIDTH);
  const note = pooledNote(report);
  return [
    paint(visibleLine(`${glyph} ${sentence}`)),
    ...notes.map(visibleLine),
    visibleLine(`${report.workload.name} -> ${report.target.spec}`),
    ...(note === null ? [] : [note]),
    '',
    ...aligned([columns, ...rows], 'left'),
  ].join('\n');
}
