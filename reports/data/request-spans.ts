import type { RequestRecord } from '../../src/core/record.ts';

/**
 * The phases that a record has times of, in the order in which a request passes them; `held`: it waited for a place in
 * flight (`--max-in-flight`); `prefill_call` to `first_decode`: what the client saw of a prefill and a decode server.
 */
export const PHASES = [
  'held',
  'client',
  'prefill_call',
  'handover',
  'first_decode',
  'prefill_queue',
  'prefill',
  'transfer',
  'decode_queue',
  'decode',
] as const;

/** Shorter spans are left by rounding. */
const MIN_US = 10;

/** Kinds of spans: the phases, and two for the time of which the target reports no phase. */
export const SPAN_KINDS = [...PHASES, 'waiting', 'streaming'] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

export interface Span {
  readonly kind: SpanKind;
  /** Seconds from the due time. */
  readonly from_s: number;
  readonly to_s: number;
}

/** Time from due to the request's end, or if that is not known to its last token or its send. */
export function timeInSystemUs({ due_us, sent_us, end_us, token_times_us }: RequestRecord): number {
  return Math.max((end_us ?? due_us) - due_us, token_times_us.at(-1) ?? 0, (sent_us ?? due_us) - due_us);
}

/**
 * A request's time from due to end, without gaps. A record has phases as durations: their spans follow one another from
 * the send on, and the rest is `waiting` before the first token and `streaming` after it.
 */
export function spansOf(record: RequestRecord): Span[] {
  const { due_us, sent_us, token_times_us } = record;
  if (sent_us === null) return [];
  const end = timeInSystemUs(record);
  const spans: Span[] = [];
  let at = 0;
  const until = (kind: SpanKind, toUs: number): void => {
    const to = Math.min(toUs, end);
    if (to - at < MIN_US) return;
    spans.push({ kind, from_s: at / 1e6, to_s: to / 1e6 });
    at = to;
  };
  until('held', record.held_us ?? 0);
  until('client', sent_us - due_us);
  if (record.prefill_call_us !== null) {
    // The first token stands between them and the rest; what a server tells of its own part has no place on this axis.
    until('prefill_call', at + record.prefill_call_us);
    until('handover', at + (record.handover_us ?? 0));
    until('first_decode', at + (record.first_decode_us ?? 0));
  } else {
    until('prefill_queue', at + (record.prefill_queue_us ?? 0));
    until('prefill', at + (record.prefill_us ?? 0));
    until('transfer', at + (record.transfer_us ?? 0));
    until('decode_queue', at + (record.decode_queue_us ?? 0));
    until('decode', at + (record.decode_us ?? 0));
  }
  until('waiting', token_times_us[0] ?? end);
  until('streaming', end);
  return spans;
}
