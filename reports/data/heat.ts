import { nearestRank } from '../../src/metrics/samples.ts';

/** Requests with about the same x and latency. */
interface HeatCell {
  readonly from_x: number;
  readonly to_x: number;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly count: number;
}

/** Nearest-rank percentiles of the latency of all requests in a column. */
export interface HeatColumn {
  readonly from_x: number;
  readonly to_x: number;
  readonly count: number;
  readonly p50_ms: number;
  readonly p90_ms: number;
}

export interface HeatMap {
  readonly cells: readonly HeatCell[];
  readonly columns: readonly HeatColumn[];
  readonly requests: number;
}

const MAX_BINS = 24;
const MIN_BINS = 6;
/** Small runs get wider bins, so that evenly spread requests would be this many a column. */
const REQUESTS_A_COLUMN = 12;

/** Counts pairs in a grid of log-spaced cells. Values of zero or less count in the lowest cells. */
export function heatMap(xs: Float64Array, latencyUs: Float64Array): HeatMap {
  const bins = Math.max(MIN_BINS, Math.min(MAX_BINS, Math.floor(xs.length / REQUESTS_A_COLUMN)));
  const x = logScale(xs, bins);
  const y = logScale(latencyUs, bins);
  const counts = new Map<number, number>();
  const columns = new Map<number, number[]>();
  for (let i = 0; i < xs.length; i++) {
    const us = latencyUs[i] ?? 0;
    const column = x.bin(xs[i] ?? 0);
    const cell = column * bins + y.bin(us);
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
    const values = columns.get(column);
    if (values === undefined) columns.set(column, [us]);
    else values.push(us);
  }
  const edges = (column: number): { from_x: number; to_x: number } => ({
    from_x: x.edge(column),
    to_x: x.edge(column + 1),
  });
  return {
    cells: [...counts]
      .sort(([a], [b]) => a - b)
      .map(([cell, count]) => ({
        ...edges(Math.floor(cell / bins)),
        from_ms: y.edge(cell % bins) / 1000,
        to_ms: y.edge((cell % bins) + 1) / 1000,
        count,
      })),
    columns: [...columns]
      .sort(([a], [b]) => a - b)
      .map(([column, values]) => {
        const sorted = Float64Array.from(values).sort();
        return {
          ...edges(column),
          count: values.length,
          p50_ms: (nearestRank(sorted, 500) ?? 0) / 1000,
          p90_ms: (nearestRank(sorted, 900) ?? 0) / 1000,
        };
      }),
    requests: xs.length,
  };
}

/** `bins` log-spaced bins over the positive values, at least an eighth of an octave wide in all. */
function logScale(values: Float64Array, bins: number): { bin(value: number): number; edge(bin: number): number } {
  const positive = values.filter((value) => value > 0);
  const low = positive.reduce((least, value) => Math.min(least, value), positive[0] ?? 1);
  const high = positive.reduce((most, value) => Math.max(most, value), low * 2 ** (1 / 8));
  const step = Math.log(high / low) / bins;
  return {
    bin: (value) => Math.max(0, Math.min(bins - 1, Math.floor(Math.log(Math.max(value, low) / low) / step))),
    edge: (bin) => low * Math.exp(bin * step),
  };
}
