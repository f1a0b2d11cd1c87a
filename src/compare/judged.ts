import type { JudgedName } from '../schema/comparison.ts';
import type { LatencyStats } from '../schema/latency.ts';
import type { Summary } from '../schema/summary.ts';

/** A figure of a run that a comparison judges. */
export interface JudgedMetric {
  readonly name: JudgedName;
  /** Its value; infinite where requests that failed reach into the quantile; null: the run has none. */
  readonly of: (summary: Summary) => number | null;
  /** By how much the clock of a run's client may have it wrong, in ms; null: not known. Absent: it is no latency. */
  readonly clockErrorMs?: (summary: Summary) => number | null;
  /** Of what its values are whole multiples, where it counts requests. */
  readonly step?: (summary: Summary) => number;
}

/** The family that is judged together (`statistics.md`, "Comparing two systems"); the rest of the figures is exploratory. */
export const JUDGED: readonly JudgedMetric[] = [
  {
    name: 'attainment',
    of: ({ slo }) => slo?.attainment.joint ?? null,
    step: ({ requests }) => 1 / requests.scheduled,
  },
  quantile('ttft', 'p50'),
  quantile('ttft', 'p90'),
  quantile('ttft', 'p99'),
  quantile('tpot', 'p50'),
  quantile('tpot', 'p90'),
  quantile('tpot', 'p99'),
  quantile('e2e', 'p50'),
  { name: 'throughput', of: ({ throughput }) => throughput.output_tokens_per_s },
];

function quantile<M extends 'ttft' | 'tpot' | 'e2e', Q extends 'p50' | 'p90' | 'p99'>(
  metric: M,
  at: Q,
): { name: `${M}.${Q}`; of: JudgedMetric['of']; clockErrorMs: NonNullable<JudgedMetric['clockErrorMs']> } {
  return {
    name: `${metric}.${at}`,
    of: ({ latency_ms }) => latencyOf(latency_ms[metric], at),
    clockErrorMs: ({ clock_error_ms }) => clock_error_ms?.[metric] ?? null,
  };
}

function latencyOf(stats: LatencyStats, at: 'p50' | 'p90' | 'p99'): number | null {
  return stats[at] ?? (stats.missing > 0 ? Infinity : null);
}
