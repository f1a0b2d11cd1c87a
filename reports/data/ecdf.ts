import { countUpTo, nearestRank } from '../../src/metrics/samples.ts';

/** A point of an empirical distribution: exactly `share` of the whole population is <= `ms`. */
export interface EcdfPoint {
  readonly ms: number;
  readonly share: number;
}

export interface Ecdf {
  /** Rising in both `ms` and `share`. The last share is below 1 if values are missing. */
  readonly points: readonly EcdfPoint[];
  /** Number of values. */
  readonly n: number;
  /** Values of failed requests or tokens that never came: infinitely large. */
  readonly missing: number;
}

const MAX_POINTS = 400;
/** Ranks from the end that are kept, so that the tail has points too: 1, 2, 3, ... then ten a decade. */
const TAIL_RANKS = [
  1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 79, 100, 126, 158, 200, 251, 316, 398, 501, 631, 794, 1000,
];
/** Percentiles that reports show: every curve has a point at each. */
const SHOWN_PERMILLE = [500, 900, 950, 990, 999];

/**
 * Thins sorted values (whole or fractional microseconds) to at most 400 points of their step function, each exact:
 * every k-th rank, ranks ever closer towards the tail, the shown percentiles, both ends, and the last value within `limitUs`.
 */
export function ecdfOf(sortedUs: Float64Array, missing: number, limitUs: number | null): Ecdf {
  const n = sortedUs.length;
  const keep = new Set<number>();
  const step = Math.max(1, Math.ceil(n / (MAX_POINTS - SHOWN_PERMILLE.length - TAIL_RANKS.length - 3)));
  for (let rank = 1; rank <= n; rank += step) keep.add(countUpTo(sortedUs, sortedUs[rank - 1] ?? 0));
  for (const permille of SHOWN_PERMILLE) {
    const value = nearestRank(sortedUs, permille, missing);
    if (value !== null) keep.add(countUpTo(sortedUs, value));
  }
  for (const rank of TAIL_RANKS) if (rank < n) keep.add(countUpTo(sortedUs, sortedUs[n - 1 - rank] ?? 0));
  if (limitUs !== null) keep.add(countUpTo(sortedUs, limitUs));
  keep.add(n);
  keep.delete(0);
  const points = [...keep]
    .sort((a, b) => a - b)
    .map((count) => ({ ms: (sortedUs[count - 1] ?? 0) / 1000, share: count / (n + missing) }));
  return { points, n, missing };
}
