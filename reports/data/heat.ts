import { nearestRank, Samples } from '../../src/metrics/samples.ts';

/** Requests with about the same x and latency. */
interface HeatCell {
  readonly from_x: number;
  readonly to_x: number;
  readonly from_ms: number;
  readonly to_ms: number;
  readonly count: number;
}

/** Requests with about the same x, failed ones too. */
export interface HeatColumn {
  readonly from_x: number;
  readonly to_x: number;
  /** Requests with a latency. */
  readonly count: number;
  readonly failed: number;
  /** Nearest-rank percentiles over all of them, in which a failed request is infinitely late: null if it is one. */
  readonly p50_ms: number | null;
  readonly p90_ms: number | null;
}

export interface HeatMap {
  readonly cells: readonly HeatCell[];
  readonly columns: readonly HeatColumn[];
  /** Requests with a latency: each is in a cell. */
  readonly requests: number;
  /** Failed requests: each is in a column. */
  readonly failed: number;
}

const MAX_BINS = 24;
const MIN_BINS = 6;
/** Small runs get wider bins, so that evenly spread requests would be this many a column. */
const REQUESTS_A_COLUMN = 12;

/** Counts pairs in a grid of log-spaced cells, and failed requests by their x. Values of zero or less count in the lowest cells. */
export function heatMap(xs: Float64Array, latencyUs: Float64Array, failedXs: Float64Array): HeatMap {
  const bins = Math.max(MIN_BINS, Math.min(MAX_BINS, Math.floor(xs.length / REQUESTS_A_COLUMN)));
  const x = logScale([xs, failedXs], bins);
  const y = logScale([latencyUs], bins);
  const counts = new Map<number, number>();
  const columns = Array.from({ length: bins }, () => ({ values: new Samples(), failed: 0 }));
  for (let i = 0; i < xs.length; i++) {
    const us = latencyUs[i] ?? 0;
    const column = x.bin(xs[i] ?? 0);
    const cell = column * bins + y.bin(us);
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
    columns[column]?.values.push(us);
  }
  for (const value of failedXs) {
    const column = columns[x.bin(value)];
    if (column !== undefined) column.failed++;
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
    columns: columns.flatMap(({ values, failed }, column) => {
      if (values.length + failed === 0) return [];
      const count = values.length;
      const [p50, p90] = values.takeSorted((sorted) =>
        [500, 900].map((permille) => nearestRank(sorted, permille, failed)),
      );
      return [{ ...edges(column), count, failed, p50_ms: inMs(p50), p90_ms: inMs(p90) }];
    }),
    requests: xs.length,
    failed: failedXs.length,
  };
}

function inMs(us: number | null | undefined): number | null {
  return us === null || us === undefined ? null : us / 1000;
}

/** `bins` log-spaced bins over all positive values, at least an eighth of an octave wide in all. */
function logScale(
  values: readonly Float64Array[],
  bins: number,
): { bin(value: number): number; edge(bin: number): number } {
  let [low, high] = [Infinity, 0];
  for (const each of values)
    for (const value of each) {
      if (value <= 0) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  low = Number.isFinite(low) ? low : 1;
  high = Math.max(high, low * 2 ** (1 / 8));
  const step = Math.log(high / low) / bins;
  return {
    bin: (value) => Math.max(0, Math.min(bins - 1, Math.floor(Math.log(Math.max(value, low) / low) / step))),
    edge: (bin) => low * Math.exp(bin * step),
  };
}
