import { threeFigures, withThousands } from '../../src/core/units.ts';
import type { HeatColumn, HeatMap } from '../data/heat.ts';
import type { LatencyMap } from '../data/latency-maps.ts';
import { METRIC_NAMES } from '../definitions.ts';
import { countText } from '../../src/core/words.ts';
import { durationTexts, plainMs, populationText } from '../format.ts';
import type { Chart, Layers, Position } from './chart.ts';
import { cellLayer, failedStrip, plotRange } from './density.ts';
import { logDomain, logTicks, MS_LABEL } from './log-axis.ts';
import { COLOURS, SLO_LINE } from './theme.ts';

export interface HeatChartData {
  readonly id: string;
  readonly metric: 'ttft' | 'tpot';
  readonly map: LatencyMap;
  /** Name and unit of x: `input tokens`. */
  readonly x: string;
  readonly limit_ms: number | null;
  /** Which answered requests lack the latency: `of a single token`. */
  readonly not_drawn: string;
  /** Added to the note under the chart. */
  readonly note?: string;
}

const HEIGHT = 200;
/** The title goes by columns of at least so many requests... */
const ENOUGH = 10;
/** ... and a median and p90 are drawn of at least so many. */
const ENOUGH_TO_DRAW = 5;
/** The median grows when its last column is at least this many times its first. */
const GROWS = 1.5;
/**
 * A latency against a value it may depend on, both on log axes: the more requests the stronger, with median and p90.
 * Failed requests have a strip of their own on top.
 */
export function heatChart(data: HeatChartData): Chart {
  const { id, metric, map, x } = data;
  const name = METRIC_NAMES[metric];
  const title = titleOf(data);
  return {
    id,
    title,
    label: `${name} by ${x} over ${populationText(map.requests + map.failed, 'request', map.failed)}. ${title}.`,
    note: noteOf(data),
    spec: { width: 'container', height: HEIGHT, layer: layersOf(data) },
    table: {
      columns: [`${x} from`, `${x} to`, 'requests', 'failed', `${name} p50 (ms)`, `${name} p90 (ms)`],
      rows: map.columns.map((column) => [
        threeFigures(column.from_x),
        threeFigures(column.to_x),
        withThousands(column.count + column.failed),
        withThousands(column.failed),
        column.p50_ms === null ? 'fails' : threeFigures(column.p50_ms),
        column.p90_ms === null ? 'fails' : threeFigures(column.p90_ms),
      ]),
    },
  };
}

function noteOf({ map, limit_ms, note, not_drawn }: HeatChartData): string {
  const { requests, failed, failed_unplaced } = map;
  const population = requests + map.not_drawn + failed + failed_unplaced;
  return [
    `n = ${populationText(population, 'request', failed + failed_unplaced)}`,
    ...(failed_unplaced === 0 ? [] : [`${withThousands(failed_unplaced)} of the failed have no place here`]),
    ...(map.not_drawn === 0 ? [] : [`${countText(map.not_drawn, 'request')} ${not_drawn} not drawn`]),
    `stronger colour: more requests, at most ${withThousands(mostIn(map))} a cell`,
    `thick line: median of each column of ${ENOUGH_TO_DRAW} requests and more, thin line: p90${failed === 0 ? '' : '; neither where it falls on failed requests, which are in the strip on top'}`,
    ...(limit_ms === null ? [] : ['dashed: the SLO']),
    ...(note === undefined ? [] : [note]),
  ]
    .join('; ')
    .concat('.');
}

/**
 * A trend is claimed only where it holds between neighbours in time too: over a run, both values may merely grow with
 * the load. It is said to go together with `x`, which may as well be its effect.
 */
function titleOf({ metric, map, x, limit_ms }: HeatChartData): string {
  const name = METRIC_NAMES[metric];
  const columns = map.columns.filter(({ count, failed }) => count + failed >= ENOUGH);
  const medians = columns.map(({ p50_ms }) => p50_ms ?? Infinity);
  const [first = Infinity, last = Infinity] = [medians[0], medians.at(-1)];
  const plain = `${name} by ${x}`;
  if (columns.length < 3 || first === Infinity) return plain;
  const [low, high] = [Math.min(...medians), Math.max(...medians)];
  if (high < GROWS * low) return `${plain}: the median lies between ${durationTexts([low, high]).join(' and ')}`;
  if (!map.follows) return plain;
  const over = limit_ms === null ? undefined : firstOver(columns, limit_ms);
  if (over !== undefined)
    return `From ${threeFigures(over.from_x)} ${x} on, more than half miss ${name} <= ${plainMs(limit_ms ?? 0)}`;
  if (last < GROWS * first || last === Infinity) return plain;
  return `Median ${name} grows from ${durationTexts([first, last]).join(' to ')} together with ${x}`;
}

/** The first column from which on every median exceeds the limit; undefined if all do or none does. */
function firstOver(columns: readonly HeatColumn[], limitMs: number): HeatColumn | undefined {
  const lastWithin = columns.findLastIndex(({ p50_ms }) => p50_ms !== null && p50_ms <= limitMs);
  return lastWithin < 0 ? undefined : columns[lastWithin + 1];
}

function layersOf(data: HeatChartData): Layers {
  const { map, limit_ms } = data;
  const axes = axesOf(data);
  return [
    cellsOf(data, axes),
    percentileLayer(map, 'p90_ms', 1, axes),
    percentileLayer(map, 'p50_ms', 2.5, axes),
    ...(limit_ms === null
      ? []
      : [{ data: { values: [{ from_ms: limit_ms }] }, mark: SLO_LINE, encoding: { y: axes.y } }]),
    ...failedLayers(data, axes),
  ];
}

interface Axes {
  readonly x: Position;
  readonly y: Position;
}

function axesOf({ metric, map, x, limit_ms }: HeatChartData): Axes {
  const xDomain = domainOf(map.columns.flatMap(({ from_x, to_x }) => [from_x, to_x]));
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
      scale: {
        type: 'log',
        domain: yDomain,
        nice: false,
        range: plotRange(HEIGHT, map.failed),
      },
      axis: { values: logTicks(yDomain), labelExpr: MS_LABEL, title: `${METRIC_NAMES[metric]} (log scale)` },
    },
  };
}

/** A rectangle a cell, the stronger the more requests it holds. */
function cellsOf({ metric, map, x: xName }: HeatChartData, { x, y }: Axes): Layers[number] {
  const cells = map.cells.map((cell) => ({
    ...cell,
    text: `${countText(cell.count, 'request')} with ${threeFigures(cell.from_x)} to ${threeFigures(cell.to_x)} ${xName}: ${METRIC_NAMES[metric]} ${durationTexts([cell.from_ms, cell.to_ms]).join(' to ')}`,
  }));
  return cellLayer(cells, { x, to: 'to_x', clip: false }, { y, yTo: 'to_ms' });
}

/** Failed requests of each column. */
function failedLayers({ map, x: xName }: HeatChartData, { x }: Axes): Layers {
  const failed = map.columns
    .filter((column) => column.failed > 0)
    .map((column) => ({
      from_x: column.from_x,
      to_x: column.to_x,
      share: column.failed / (column.count + column.failed),
      text: `${withThousands(column.failed)} of ${countText(column.count + column.failed, 'request')} with ${threeFigures(column.from_x)} to ${threeFigures(column.to_x)} ${xName} failed`,
    }));
  return failedStrip(failed, { x, to: 'to_x', clip: false });
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
