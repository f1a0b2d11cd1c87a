import type { Phases } from '../src/core/record.ts';
import { isObject, textAt } from './json.ts';

/** The events of a request in order, each with what the request did from the one before. */
const LIFETIME: readonly (readonly [event: string, phase: keyof Phases | null])[] = [
  ['issued', null],
  ['context_begin', 'prefill_queue_us'],
  ['context_end', 'prefill_us'],
  // It waits in the bridge queue, for those that decode.
  ['migration_begin', 'decode_queue_us'],
  ['migration_end', 'transfer_us'],
  ['decoding_begin', 'decode_queue_us'],
  ['decoding_end', 'decode_us'],
];

export const LIFETIME_EVENTS: readonly string[] = LIFETIME.map(([event]) => event);

/**
 * The phases of a request from DistServe's `lifetime_events`, in seconds of its wall clock: differences of neighbours, which
 * add up to the time from `issued` to the last event. A phase is null where the request did not have it, where an event
 * that begins or ends it is missing or out of order, or where the clock was set back. Events of other names, and one that
 * repeats the one before it, are passed over.
 */
export function phasesOfLifetime(events: unknown): Phases | null {
  if (!Array.isArray(events)) return null;
  const sums = new Map<keyof Phases, number>();
  const unknown = new Set<keyof Phases | null>();
  let last: LifetimeEvent | null = null;
  for (const event of events.flatMap(known)) {
    const { at, timeS } = event;
    if (at === last?.at) continue;
    if (last !== null) {
      const phase = LIFETIME[at]?.[1] ?? null;
      const us = (timeS - last.timeS) * 1e6;
      if (at === last.at + 1 && us >= 0 && phase !== null) sums.set(phase, (sums.get(phase) ?? 0) + us);
      else unknown.add(phase).add(LIFETIME[last.at + 1]?.[1] ?? null);
    }
    last = event;
  }
  const us = (phase: keyof Phases): number | null => (unknown.has(phase) ? null : (sums.get(phase) ?? null));
  return {
    prefill_queue_us: us('prefill_queue_us'),
    prefill_us: us('prefill_us'),
    transfer_us: us('transfer_us'),
    decode_queue_us: us('decode_queue_us'),
    decode_us: us('decode_us'),
  };
}

interface LifetimeEvent {
  /** Its place in a lifetime, 0 for `issued`. */
  readonly at: number;
  readonly timeS: number;
}

/** None for what is not an event of a lifetime, or has no time. */
function known(event: unknown): LifetimeEvent[] {
  const type = textAt(event, 'event_type');
  const at = type === null ? -1 : LIFETIME_EVENTS.indexOf(type);
  const timeS = isObject(event) ? event['timestamp'] : null;
  return at >= 0 && typeof timeS === 'number' && Number.isFinite(timeS) ? [{ at, timeS }] : [];
}
