import type { LengthStats } from '../schema/delivered.ts';
import { rankIndex } from './samples.ts';
import type { WholeCounts } from './whole-counts.ts';

/** Nearest-rank statistics of token counts; null without any. */
export function lengthStats(counts: WholeCounts): LengthStats | null {
  const { n, sum, at } = counts.sorted();
  const [p50, p90, p99, max] = [at(rankIndex(n, 500)), at(rankIndex(n, 900)), at(rankIndex(n, 990)), at(n - 1)];
  return p50 === null || p90 === null || p99 === null || max === null ? null : { mean: sum / n, p50, p90, p99, max };
}
