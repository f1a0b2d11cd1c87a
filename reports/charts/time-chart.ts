import { axisTimeText } from '../../src/core/units.ts';
import type { Summary } from '../../src/schema/summary.ts';
import type { TimeBins } from '../data/timeline.ts';
import { amountText } from '../format.ts';
import type { Candidate, Chart, Table } from './chart.ts';
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
  /** Values are milliseconds. */
  readonly isDuration?: boolean;
  readonly series: readonly TimeSeries<Bin>[];
  readonly title: (line: Line, summary: Summary) => string;
  /** The first sentence of the label, without its full stop. `over` is e.g. `over 60 s`. */
  readonly label: (over: string, line: Line) => string;
  /** Population: `40 requests, 2 failed`. */
  readonly n: (line: Line) => string;
  /** How much data there is, and how much of it makes a chart. */
  readonly of: (line: Line) => Omit<Candidate, 'name' | 'draw'>;
  /** How to read the panel, where that is not plain. */
  readonly note?: (line: Line) => string;
  /** Columns of the table by their head. */
  readonly columns: Readonly<Record<string, (bin: Bin) => string>>;
  /** Whether there is anything to show. Without it there always is. */
  readonly isShown?: (line: Line, summary: Summary) => boolean;
  /** Tooltip of a bin in which no series has a value. */
  readonly nothing?: string;
  /** A level to compare with. */
  readonly level?: { readonly value: number; readonly text: string };
}

/** A panel whose drawing waits for whether it is the last one, which has the labels of the time axis. */
export interface PanelCandidate extends Omit<Candidate, 'draw'> {
  readonly draw: (hasTimeLabels: boolean) => Chart;
}

/** Low, so that many panels can be compared at a glance. */
const HEIGHT = 60;

export function timeChart<Bin extends Span, Line extends TimeBins<Bin>>(
  row: TimeChart<Bin, Line>,
  line: Line,
  summary: Summary,
): PanelCandidate[] {
  if (row.isShown !== undefined && !row.isShown(line, summary)) return [];
  return [{ name: row.name, ...row.of(line), draw: (hasTimeLabels) => drawn(row, line, summary, hasTimeLabels) }];
}

function drawn<Bin extends Span, Line extends TimeBins<Bin>>(
  row: TimeChart<Bin, Line>,
  line: Line,
  summary: Summary,
  hasTimeLabels: boolean,
): Chart {
  const { id, height = HEIGHT, columns } = row;
  const title = row.title(line, summary);
  const note = row.note?.(line) ?? null;
  return {
    id,
    title,
    label: `${row.label(overText(line), line)}. ${title}.`,
    note: `n = ${row.n(line)}${note === null ? '' : `; ${note}`}.`,
    spec: timePanel(line, { ...row, height }, hasTimeLabels),
    table: binsTable(line, columns),
  };
}

/** Length of the run: `over 60 s`. */
export function overText({ bins }: TimeBins<Span>): string {
  const endS = durationS(bins);
  return `over ${axisTimeText(endS, endS)}`;
}

/** A row a bin, with columns by their head. */
export function binsTable<Bin extends Span>(
  { bins }: TimeBins<Bin>,
  columns: Readonly<Record<string, (bin: Bin) => string>>,
): Table {
  return {
    columns: ['from (s)', ...Object.keys(columns)],
    rows: bins.map((bin) => [String(bin.from_s), ...Object.values(columns).map((cell) => cell(bin))]),
  };
}

export const percentCell = (share: number | null): string => (share === null ? '-' : (share * 100).toFixed(1));
export const amountCell = (amount: number | null): string => (amount === null ? '-' : amountText(amount));
