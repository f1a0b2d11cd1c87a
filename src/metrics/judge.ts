import type { RequestRecord } from '../core/record.ts';
import { type Limits, limitsOf, type Slo, SLO_METRICS, type SloMetric } from '../core/slo.ts';
import { isAnswered, sloLatencyUs } from './request-latency.ts';

/** A limit in whole microseconds, as it was parsed, at least one: a value on the limit meets it. */
export function limitUs(limitMs: number): number {
  return Math.max(1, Math.round(limitMs * 1000));
}

/** From which scale of a limit on a latency meets it, to the microsecond: no scale from there on misses it. */
export function scaleFor(latencyUs: number, limitMs: number): number {
  return Math.ceil(latencyUs) / (limitMs * 1000);
}

/** Every limit in whole microseconds; Infinity: none. */
export type LimitsUs = Readonly<Record<SloMetric, number>>;

export function limitsUs(limits: Limits): LimitsUs {
  const of = (metric: SloMetric): number => limitUs(limits[metric] ?? Infinity);
  return {
    ttft: of('ttft'),
    tpot: of('tpot'),
    e2e: of('e2e'),
    'itl.p50': of('itl.p50'),
    'itl.p90': of('itl.p90'),
    'itl.p95': of('itl.p95'),
    'itl.p99': of('itl.p99'),
    'itl.max': of('itl.max'),
  };
}

/**
 * Whether a request is answered and meets this one limit. A response of a single token has no TPOT and no gaps, and
 * meets a limit on them.
 */
export function meets(record: RequestRecord, metric: SloMetric, limitMs: number): boolean {
  return isAnswered(record) && sloLatencyUs(record, metric) <= limitUs(limitMs);
}

/** Whether a request is answered and meets every limit of its class; null where the SLO has none for it. */
export function meetsAll(record: RequestRecord, slo: Slo): boolean | null {
  const limits = limitsOf(slo, record.slo_class);
  if (limits === null) return null;
  return (
    isAnswered(record) &&
    SLO_METRICS.every((metric) => limits[metric] === undefined || meets(record, metric, limits[metric]))
  );
}
