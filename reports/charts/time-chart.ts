import type { Summary } from '../../src/schema/summary.ts';
import type { TimeBins } from '../data/timeline.ts';
import { amountText, axisTimeText } from '../format.ts';
import type { Candidate, Chart } from './chart.ts';
import { durationS, type Span, timePanel, type TimeSeries } from './time-panel.ts';

/** A panel over time: what tells it apart from the other panels. */
export interface TimeChart<Bin extends Span, Line extends TimeBins<Bin>> {
  readonly id: string;
  /** What is plotted, where the chart is left out. */
  readonly name: string;
  readonly height?: number;
  readonly yTitle: string;
  /** A y axis from 0 to 100 %. */
  readonly isShare?: boolean;
  readonly series: readonly TimeSeries<Bin>[];
  readonly title: (line: Line, summary: Summary) => string;
  /** The first sentence of the label, without its full stop. `over` is e.g. `over 60 s`. */
  readonly label: (over: string, line: Line) => string;
  /** Population: `40 requests, 2 failed`. */
  readonly n: (line: Line) => string;
  /** How much data there is, and how much of it makes a chart. */
  readonly of: (line: Line) => Omit<Candidate, 'name' | 'draw'>;
  readonly note: (line: Line) => string;
  /** Columns of the table by their head. */
  readonly columns: Readonly<Record<string, (bin: Bin) => string>>;
  /** Whether there is anything to show. Without it there always is. */
  readonly isShown?: (line: Line, summary: Summary) => boolean;
  /** Tooltip of a bin in which no series has a value. */
  readonly nothing?: string;
  /** A level to compare with. */
  readonly level?: { readonly value: number; readonly text: string };
}

const HEIGHT = 110;

export function timeChart<Bin extends Span, Line extends TimeBins<Bin>>(
  row: TimeChart<Bin, Line>,
  line: Line,
  summary: Summary,
): Candidate[] {
  if (row.isShown !== undefined && !row.isShown(line, summary)) return [];
  return [{ name: row.name, ...row.of(line), draw: () => drawn(row, line, summary) }];
}

function drawn<Bin extends Span, Line extends TimeBins<Bin>>(
  row: TimeChart<Bin, Line>,
  line: Line,
  summary: Summary,
): Chart {
  const { id, height = HEIGHT, columns } = row;
  const title = row.title(line, summary);
  const endS = durationS(line.bins);
  return {
    id,
    title,
    label: `${row.label(`over ${axisTimeText(endS, endS)}`, line)}. ${title}.`,
    note: `n = ${row.n(line)}; ${row.note(line)}.`,
    spec: timePanel(line, { ...row, height }),
    table: {
      columns: ['from (s)', ...Object.keys(columns)],
      rows: line.bins.map((bin) => [String(bin.from_s), ...Object.values(columns).map((cell) => cell(bin))]),
    },
  };
}

export const percentCell = (share: number | null): string => (share === null ? '-' : (share * 100).toFixed(1));
export const amountCell = (amount: number | null): string => (amount === null ? '-' : amountText(amount));
