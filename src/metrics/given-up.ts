import type { RequestRecord } from '../core/record.ts';
import { ITL_QUANTILES, type Limits, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import { rankedGap, tpotBetweenUs } from './request-latency.ts';
import { limitUs } from './judge.ts';

/**
 * The limits that a request had missed when it was given up, as the run stopped, whatever would have
 * come; none where it is not known how long it had waited.
 */
export function missedBeforeGivenUp(record: RequestRecord, limits: Limits): readonly SloMetric[] {
  const earliest = earliestUsOf(record);
  if (earliest === null) return [];
  return SLO_METRICS.filter((metric) => {
    const limitMs = limits[metric];
    return limitMs !== undefined && earliest(metric) > limitUs(limitMs);
  });
}

/** The least that each latency of a request that was given up would have been; null: of another, or not known. */
export function earliestUsOf(record: RequestRecord): ((metric: SloMetric) => number) | null {
  if (record.outcome !== 'unsent' && record.outcome !== 'cut') return null;
  const elapsedUs = untilGivenUpUs(record);
  return elapsedUs === null ? null : (metric) => earliestUs(record, metric, elapsedUs);
}

/** The least that a latency would have been, as if all of the tokens that are left had come at the end. */
function earliestUs(record: RequestRecord, metric: SloMetric, elapsedUs: number): number {
  const { token_times_us: times, output_tokens_planned } = record;
  switch (metric) {
    case 'ttft':
      return times[0] ?? elapsedUs;
    case 'tpot':
      return tpotBetweenUs(times[0] ?? elapsedUs, elapsedUs, output_tokens_planned ?? 0) ?? 0;
    case 'e2e':
      return elapsedUs;
    default: {
      const planned = output_tokens_planned ?? 0;
      if (times.length === 0 || planned <= times.length) return 0;
      const gaps = new Float64Array(times.length);
      for (let i = 1; i <= times.length; i++) gaps[i - 1] = (times[i] ?? elapsedUs) - (times[i - 1] ?? 0);
      return rankedGap(gaps, ITL_QUANTILES[metric], planned - 1);
    }
  }
}

/** Time from due until the run stopped; null where it is not known, or the request was not due yet. */
function untilGivenUpUs({ outcome, due_us, end_us, held_us }: RequestRecord): number | null {
  if (outcome === 'unsent') return held_us;
  return end_us === null ? null : end_us - due_us;
}
