import type { Outcome, RequestRecord } from '../core/record.ts';
import { SLO_METRICS, type Slo } from '../core/slo.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { limitUs } from './attainment.ts';
import { tpotBetweenUs } from './request-latency.ts';

/**
 * Which records of a run say nothing about the server, because the run was interrupted first: requests that were not
 * due yet, and those cut in flight before they had missed a limit. In a run that ended by itself, or with its server,
 * every record counts.
 */
export function stoppedRecords({ status, slo }: Pick<Manifest, 'status' | 'slo'>): (record: RequestRecord) => boolean {
  if (status !== 'interrupted') return () => false;
  const limits = slo?.limits_ms ?? {};
  return (record) => record.outcome === 'unsent' || (record.outcome === 'cut' && !hadMissed(record, limits));
}

/** Whether a request that was cut had missed a limit by then, whatever would have come. */
function hadMissed({ due_us, end_us, token_times_us: times, output_tokens_planned }: RequestRecord, slo: Slo): boolean {
  if (end_us === null) return false;
  const elapsedUs = end_us - due_us;
  const earliestUs = {
    ttft: times[0] ?? elapsedUs,
    // As if all of the tokens that are left had come at the end.
    tpot: tpotBetweenUs(times[0] ?? elapsedUs, elapsedUs, output_tokens_planned ?? 0) ?? 0,
    e2e: elapsedUs,
  };
  return SLO_METRICS.some((metric) => slo[metric] !== undefined && earliestUs[metric] > limitUs(slo[metric]));
}

/** Failed requests by outcome, without those that an interrupted run did not get to. */
export function failedByOutcome({ by_outcome, stopped }: Summary['requests']): Partial<Record<Outcome, number>> {
  const { ok: _ok, ...failed } = by_outcome;
  const unsent = Math.min(stopped, failed.unsent ?? 0);
  const counts = { ...failed, unsent: (failed.unsent ?? 0) - unsent, cut: (failed.cut ?? 0) - (stopped - unsent) };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
