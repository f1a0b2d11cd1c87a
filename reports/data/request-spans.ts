import type { RequestRecord } from '../../src/core/record.ts';

/** The phases that a record has times of, in the order in which a request passes them. */
export const PHASES = ['client', 'prefill_queue', 'prefill', 'transfer', 'decode_queue', 'decode'] as const;

/** Shorter spans are left by rounding. */
const MIN_US = 10;

/** What a request did in a span of its time; the last two stand for phases that the target does not tell. */
export const SPAN_KINDS = [...PHASES, 'waiting', 'streaming'] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

export interface Span {
  readonly kind: SpanKind;
  /** Seconds from the due time. */
  readonly from_s: number;
  readonly to_s: number;
}

/** From due to the last that is known of a request: its end, or where that is not known its last token or its send. */
export function timeInSystemUs({ due_us, sent_us, end_us, token_times_us }: RequestRecord): number {
  return Math.max((end_us ?? due_us) - due_us, token_times_us.at(-1) ?? 0, (sent_us ?? due_us) - due_us);
}

/**
 * A request's time from due to end, without gaps. Phases are told as durations: they are laid one after another from
 * the send, and what they leave is waiting before the first token, streaming after it.
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
  until('client', sent_us - due_us);
  until('prefill_queue', at + (record.prefill_queue_us ?? 0));
  until('prefill', at + (record.prefill_us ?? 0));
  until('transfer', at + (record.transfer_us ?? 0));
  until('decode_queue', at + (record.decode_queue_us ?? 0));
  until('decode', at + (record.decode_us ?? 0));
  until('waiting', token_times_us[0] ?? end);
  until('streaming', end);
  return spans;
}
