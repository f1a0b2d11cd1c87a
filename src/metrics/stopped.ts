import type { Outcome, RequestRecord } from '../core/record.ts';
import { limitsOf } from '../core/slo.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Summary } from '../schema/summary.ts';
import { missedBeforeGivenUp } from './given-up.ts';

/**
 * Which records of a run say nothing about the server, because the run was interrupted first: requests that were not
 * due yet, and those in flight, or waiting for a place in flight, that had not missed a limit by then. In a run that
 * ended by itself, or with its server, every record counts.
 */
export function stoppedRecords({ status, slo }: Pick<Manifest, 'status' | 'slo'>): (record: RequestRecord) => boolean {
  if (status !== 'interrupted') return () => false;
  const limits = slo?.limits_ms ?? {};
  return (record) =>
    (record.outcome === 'unsent' || record.outcome === 'cut') &&
    missedBeforeGivenUp(record, limitsOf(limits, record.slo_class) ?? {}).length === 0;
}

type Requests = Summary['requests'];

/** Requests that the figures of a run are of. */
export function judgedRequests({ scheduled, stopped }: Requests): number {
  return scheduled - stopped;
}

/** What an interrupted run did not get to: requests that were not sent yet, and those cut in flight. */
export function stoppedByOutcome({ stopped, stopped_in_flight: cut }: Requests): {
  readonly unsent: number;
  readonly cut: number;
} {
  return { unsent: stopped - cut, cut };
}

/** Failed requests by outcome, without those that an interrupted run did not get to. */
export function failedByOutcome(requests: Requests): Partial<Record<Outcome, number>> {
  const { ok: _ok, ...failed } = requests.by_outcome;
  const { unsent, cut } = stoppedByOutcome(requests);
  const counts = { ...failed, unsent: (failed.unsent ?? 0) - unsent, cut: (failed.cut ?? 0) - cut };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
