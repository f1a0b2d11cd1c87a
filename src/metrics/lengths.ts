import type { LengthStats } from '../schema/delivered.ts';
import { nearestRank, type Samples, sum } from './samples.ts';

/** Nearest-rank statistics of token counts; null without any. */
export function lengthStats(samples: Samples): LengthStats | null {
  return samples.withSorted((sorted) => {
    const [p50, p90, p99] = [nearestRank(sorted, 500), nearestRank(sorted, 900), nearestRank(sorted, 990)];
    const max = sorted.at(-1);
    if (p50 === null || p90 === null || p99 === null || max === undefined) return null;
    return { mean: sum(sorted) / sorted.length, p50, p90, p99, max };
  });
}
