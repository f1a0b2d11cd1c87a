import { nearestRank } from '../metrics/samples.ts';
import type { ProbeLatency } from '../schema/probe.ts';

/** The percentiles of latencies in milliseconds; null without any. */
export function latencyOf(ms: readonly number[] | Float64Array): ProbeLatency | null {
  const sorted = Float64Array.from(ms).sort();
  const at = (permille: number): number => nearestRank(sorted, permille) ?? 0;
  return sorted.length === 0 ? null : { p50: at(500), p99: at(990), max: at(1000), n: sorted.length };
}
