import { formatMs, threeFigures, withThousands } from '../../src/core/units.ts';
import type { HeatColumn, HeatMap } from '../data/heat.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { countText, plainMs } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';

export interface HeatChartData {
  readonly id: string;
  readonly metric: 'ttft' | 'tpot';
  readonly map: HeatMap;
  /** Name and unit of x: `input tokens`. */
  readonly x: string;
  readonly limit_ms: number | null;
  /** Added to the note under the chart. */
  readonly note: string;
}

const HEIGHT = 240;
/** The title goes by columns of at least so many requests... */
const ENOUGH = 10;
/** ... and a median and p90 are drawn of at least so many. */
const ENOUGH_TO_DRAW = 5;
/** The median grows when its last column is at least this many times its first. */
const GROWS = 1.5;

/** A latency against a value it may depend on, both on log axes: the more requests the stronger, with median and p90. */
export function heatChart(data: HeatChartData): Chart {
  const { id, metric, map, x, limit_ms } = data;
  const name = METRIC_NAMES[metric];
  const title = titleOf(data);
  return {
    id,
    title,
    label: `${name} by ${x} over ${countText(map.requests, 'request')}. ${title}.`,
    note: `n = ${countText(map.requests, 'answered request')}; stronger colour: more requests, at most ${withThousands(mostIn(map))} a cell; thick line: the median of each column, thin line: its p90, where ${ENOUGH_TO_DRAW} requests are${limit_ms === null ? '' : '; dashed: the SLO'}; ${data.note}.`,
    spec: { width: 'container', height: HEIGHT, layer: layersOf(data) },
    table: {
      columns: [`${x} from`, `${x} to`, 'requests', `${name} p50 (ms)`, `${name} p90 (ms)`],
      rows: map.columns.map((column) => [
        threeFigures(column.from_x),
        threeFigures(column.to_x),
        withThousands(column.count),
        threeFigures(column.p50_ms),
        threeFigures(column.p90_ms),
      ]),
    },
  };
}

function titleOf({ metric, map, x, limit_ms }: HeatChartData): string {
  const name = METRIC_NAMES[metric];
  const columns = map.columns.filter(({ count }) => count >= ENOUGH);
  const [first, last] = [columns[0], columns.at(-1)];
  if (first === undefined || last === undefined || columns.length < 3) return `${name} by ${x}`;
  const over = limit_ms === null ? undefined : firstOver(columns, limit_ms);
  if (over !== undefined)
    return `From ${threeFigures(over.from_x)} ${x} on, more than half miss ${name} <= ${plainMs(limit_ms ?? 0)}`;
  if (last.p50_ms >= GROWS * first.p50_ms)
    return `Median ${name} grows from ${formatMs(first.p50_ms)} to ${formatMs(last.p50_ms)} with ${x}`;
  return `Median ${name} hardly depends on ${x}`;
}

/** The first column from which on every median exceeds the limit; undefined if all do or none does. */
function firstOver(columns: readonly HeatColumn[], limitMs: number): HeatColumn | undefined {
  const lastWithin = columns.findLastIndex(({ p50_ms }) => p50_ms <= limitMs);
  return lastWithin < 0 ? undefined : columns[lastWithin + 1];
}

function layersOf(data: HeatChartData): Layers {
  const { map, limit_ms } = data;
  const axes = axesOf(data);
  return [
    cellLayer(data, axes),
    percentileLayer(map, 'p90_ms', 1, axes),
    percentileLayer(map, 'p50_ms', 2.5, axes),
    ...(limit_ms === null
      ? []
      : [{ data: { values: [{ from_ms: limit_ms }] }, mark: SLO_LINE, encoding: { y: axes.y } }]),
  ];
}

interface Axes {
  readonly x: Position;
  readonly y: Position;
}

function axesOf({ metric, map, x, limit_ms }: HeatChartData): Axes {
  const xDomain = domainOf(map.cells.flatMap(({ from_x, to_x }) => [from_x, to_x]));
  const yDomain = logDomain(
    [...map.cells.flatMap(({ from_ms, to_ms }) => [from_ms, to_ms]), ...(limit_ms === null ? [] : [limit_ms])],
    [],
  );
  return {
    x: {
      field: 'from_x',
      type: 'quantitative',
      scale: { type: 'log', domain: xDomain, nice: false },
      axis: { title: `${x} (log scale)`, values: logTicks(xDomain), format: '~s' },
    },
    y: {
      field: 'from_ms',
      type: 'quantitative',
      scale: { type: 'log', domain: yDomain, nice: false },
      axis: { values: logTicks(yDomain), labelExpr: MS_LABEL, title: `${METRIC_NAMES[metric]} (log scale)` },
    },
  };
}

/** A rectangle a cell, the stronger the more requests it holds. */
function cellLayer({ metric, map, x: xName }: HeatChartData, { x, y }: Axes): Layers[number] {
  const values = map.cells.map((cell) => ({
    ...cell,
    text: `${countText(cell.count, 'request')} with ${threeFigures(cell.from_x)} to ${threeFigures(cell.to_x)} ${xName}: ${METRIC_NAMES[metric]} ${formatMs(cell.from_ms)} to ${formatMs(cell.to_ms)}`,
  }));
  return {
    data: { values },
    mark: { type: 'rect', color: COLOURS.first },
    encoding: {
      x,
      x2: { field: 'to_x' },
      y,
      y2: { field: 'to_ms' },
      opacity: {
        field: 'count',
        type: 'quantitative',
        scale: { type: 'sqrt', domain: [0, mostIn(map)], range: [0.05, 0.95] },
        legend: null,
      },
      tooltip: { field: 'text', type: 'nominal' },
    },
  };
}

/** A percentile of each column, at the column's middle. */
function percentileLayer(
  { columns }: HeatMap,
  key: 'p50_ms' | 'p90_ms',
  strokeWidth: number,
  { x, y }: Axes,
): Layers[number] {
  const values = columns.map((column) => ({
    from_x: Math.sqrt(column.from_x * column.to_x),
    from_ms: column.count < ENOUGH_TO_DRAW ? null : column[key],
  }));
  return { data: { values }, mark: { type: 'line', strokeWidth, color: COLOURS.ink }, encoding: { x, y } };
}

function mostIn({ cells }: HeatMap): number {
  return cells.reduce((high, { count }) => Math.max(high, count), 1);
}

function domainOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
