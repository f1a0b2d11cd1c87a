import type { RequestRecord } from '../../src/core/record.ts';
import { latencyOf, type Limits, SLO_METRICS, type SloMetric } from '../../src/core/slo.ts';
import { isAnswered, sloLatencyUs, ttftUs } from '../../src/metrics/request-latency.ts';
import { limitUs, meets } from '../../src/metrics/judge.ts';
import { PHASES } from './request-spans.ts';

/** A request misses its limits on one latency alone, on several, or all of them because it failed. */
export const MISS_KINDS = ['ttft', 'tpot', 'e2e', 'itl', 'several', 'failed'] as const;
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

/** How a request missed the limits of its class; null if it met every one. */
export function missOf(record: RequestRecord, limits: Limits): Miss | null {
  if (!isAnswered(record)) return { kind: 'failed', times_limit: null, phase: null };
  let worst: { metric: SloMetric; times: number } | null = null;
  const missed = new Set<ReturnType<typeof latencyOf>>();
  for (const metric of SLO_METRICS) {
    const limitMs = limits[metric];
    if (limitMs === undefined || meets(record, metric, limitMs)) continue;
    missed.add(latencyOf(metric));
    const times = sloLatencyUs(record, metric) / limitUs(limitMs);
    if (worst === null || times > worst.times) worst = { metric, times };
  }
  if (worst === null) return null;
  return {
    kind: missed.size > 1 ? 'several' : latencyOf(worst.metric),
    times_limit: worst.times,
    phase: longest(record, worst.metric),
  };
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
  const isOfGaps = metric !== 'ttft' && metric !== 'e2e';
  const spans = metric === 'ttft' ? before : isOfGaps ? after : [...before, ...after];
  const times = record.token_times_us;
  const whole = isOfGaps ? (times.at(-1) ?? 0) - ttftUs(record) : sloLatencyUs(record, metric);
  let rest = whole;
  let most: [MissPhase, number] = ['unknown', 0];
  for (const [phase, us] of spans) {
    rest -= us ?? 0;
    if ((us ?? 0) > most[1]) most = [phase, us ?? 0];
  }
  return rest > most[1] ? 'unknown' : most[0];
}
