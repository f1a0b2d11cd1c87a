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

type Requests = Summary['requests'];

/** Requests that the figures of a run are of. */
export function judgedRequests({ scheduled, stopped }: Requests): number {
  return scheduled - stopped;
}

/** What an interrupted run did not get to: requests that were not due yet, and those cut in flight. */
export function stoppedByOutcome({ by_outcome, stopped }: Requests): { readonly unsent: number; readonly cut: number } {
  const unsent = Math.min(stopped, by_outcome.unsent ?? 0);
  return { unsent, cut: stopped - unsent };
}

/** Failed requests by outcome, without those that an interrupted run did not get to. */
export function failedByOutcome(requests: Requests): Partial<Record<Outcome, number>> {
  const { ok: _ok, ...failed } = requests.by_outcome;
  const { unsent, cut } = stoppedByOutcome(requests);
  const counts = { ...failed, unsent: (failed.unsent ?? 0) - unsent, cut: (failed.cut ?? 0) - cut };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
