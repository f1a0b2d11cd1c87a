import type { RequestRecord } from '../../src/core/record.ts';
import { type Slo, SLO_METRICS, type SloMetric } from '../../src/core/slo.ts';
import { e2eUs, isAnswered, tpotUs, ttftUs } from '../../src/metrics/request-latency.ts';
import { limitUs, meets } from '../../src/metrics/attainment.ts';
import { PHASES } from './request-spans.ts';

/** A request misses one limit alone, several, or all of them because it failed. */
export const MISS_KINDS = ['ttft', 'tpot', 'e2e', 'several', 'failed'] as const;
export type MissKind = (typeof MISS_KINDS)[number];

/** Where a request spent its time; `unknown` where its record has no phase for it. */
export const MISS_PHASES = [...PHASES, 'unknown'] as const;
export type MissPhase = (typeof MISS_PHASES)[number];

export interface Miss {
  readonly kind: MissKind;
  /** The largest of value / limit over the limits missed; null for a failed request. */
  readonly times_limit: number | null;
  /** The phase that took most of the time that this limit is about; null for a failed request. */
  readonly phase: MissPhase | null;
}

/** How a request missed an SLO; null if it met every limit. */
export function missOf(record: RequestRecord, slo: Slo): Miss | null {
  if (!isAnswered(record)) return { kind: 'failed', times_limit: null, phase: null };
  let worst: { metric: SloMetric; times: number } | null = null;
  let count = 0;
  for (const metric of SLO_METRICS) {
    const limitMs = slo[metric];
    if (limitMs === undefined || meets(record, metric, limitMs)) continue;
    count++;
    const times = latencyUs(record, metric) / limitUs(limitMs);
    if (worst === null || times > worst.times) worst = { metric, times };
  }
  if (worst === null) return null;
  return { kind: count > 1 ? 'several' : worst.metric, times_limit: worst.times, phase: longest(record, worst.metric) };
}

/** A latency of an answered request; 0 for the TPOT of a single token, which meets every limit. */
export function latencyUs(record: RequestRecord, metric: SloMetric): number {
  switch (metric) {
    case 'ttft':
      return ttftUs(record);
    case 'tpot':
      return tpotUs(record) ?? 0;
    case 'e2e':
      return e2eUs(record);
  }
}

/** The longest of the phases that a metric is about. Time that no phase accounts for is `unknown`. */
function longest(record: RequestRecord, metric: SloMetric): MissPhase {
  const before: [MissPhase, number | null][] = [
    ['held', record.held_us],
    ['client', (record.sent_us ?? record.due_us) - record.due_us - (record.held_us ?? 0)],
    ['prefill_queue', record.prefill_queue_us],
    ['prefill', record.prefill_us],
  ];
  // Where the servers tell nothing, what the client saw of them.
  if (record.prefill_us === null)
    before.push(
      ['prefill_call', record.prefill_call_us],
      ['handover', record.handover_us],
      ['first_decode', record.first_decode_us],
    );
  const between: [MissPhase, number | null][] = [
    ['transfer', record.transfer_us],
    ['decode_queue', record.decode_queue_us],
  ];
  const after: [MissPhase, number | null][] = [['decode', record.decode_us]];
  // The prefill instance sends the first token (DistServe), or the decode instance does (vLLM's connectors).
  const untilDecode = [...before, ...between].reduce((sum, [, us]) => sum + (us ?? 0), 0);
  (ttftUs(record) >= untilDecode ? before : after).push(...between);
  const spans = metric === 'ttft' ? before : metric === 'tpot' ? after : [...before, ...after];
  const times = record.token_times_us;
  const whole = metric === 'tpot' ? (times.at(-1) ?? 0) - ttftUs(record) : latencyUs(record, metric);
  let rest = whole;
  let most: [MissPhase, number] = ['unknown', 0];
  for (const [phase, us] of spans) {
    rest -= us ?? 0;
    if ((us ?? 0) > most[1]) most = [phase, us ?? 0];
  }
  return rest > most[1] ? 'unknown' : most[0];
}
