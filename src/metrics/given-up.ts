import type { RequestRecord } from '../core/record.ts';
import { SLO_METRICS, type SloMetric } from '../core/slo.ts';
import { tpotBetweenUs } from './request-latency.ts';

/**
 * The limits, in microseconds, that a request had missed when it was given up, as the run stopped, whatever would have
 * come; none where it is not known how long it had waited.
 */
export function missedBeforeGivenUp(
  record: RequestRecord,
  limitsUs: Readonly<Record<SloMetric, number>>,
): readonly SloMetric[] {
  if (record.outcome !== 'unsent' && record.outcome !== 'cut') return [];
  const { token_times_us: times, output_tokens_planned } = record;
  const elapsedUs = untilGivenUpUs(record);
  if (elapsedUs === null) return [];
  const earliestUs = {
    ttft: times[0] ?? elapsedUs,
    // As if all of the tokens that are left had come at the end.
    tpot: tpotBetweenUs(times[0] ?? elapsedUs, elapsedUs, output_tokens_planned ?? 0) ?? 0,
    e2e: elapsedUs,
  };
  return SLO_METRICS.filter((metric) => earliestUs[metric] > limitsUs[metric]);
}

/** Time from due until the run stopped; null where it is not known, or the request was not due yet. */
function untilGivenUpUs({ outcome, due_us, end_us, held_us }: RequestRecord): number | null {
  if (outcome === 'unsent') return held_us;
  return end_us === null ? null : end_us - due_us;
}
