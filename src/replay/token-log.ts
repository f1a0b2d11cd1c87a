import type { HasText } from '../core/target.ts';
import { TEXT, UNKNOWN_TEXT, type TokenEvents } from './token-times.ts';

/** Entries of the smallest piece, as a power of two. */
const LEAST_BITS = 4;
/** Of the largest; a longer one is an array of its own. */
const MOST_BITS = 14;
/** Of an array in which pieces lie. */
const SLAB = 2 ** 17;

/** The events of one request so far. */
export interface TokenLog {
  /** Shared with other requests: the events of this one are the entries from `from` on, `room` at most. In microseconds of the run. */
  times: Float64Array;
  from: number;
  room: number;
  events: number;
  /** What tells the events apart; null as long as each was one token of text. */
  apart: Apart | null;
}

interface Apart {
  /** Tokens of each event. */
  counts: Uint32Array;
  /** TEXT, UNKNOWN_TEXT or 0. */
  texts: Uint8Array;
}

/**
 * The events of all requests in flight. Their times lie in a few large arrays: an array for each request would be three
 * objects that every token fetches from memory (0.4 us of 12 at 1,000 streams). Requests take pieces of them and give them
 * back, of powers of two, so that one fits where another was.
 */
export class TokenLogs {
  #slab = new Float64Array(0);
  #used = 0;
  /** Pieces that were given back, by the logarithm of their length. */
  readonly #free: { readonly times: Float64Array; readonly from: number }[][] = [];

  /** A log with room for `events`, none of which has come. */
  open(events: number): TokenLog {
    return { ...this.#take(events), events: 0, apart: null };
  }

  add(log: TokenLog, timeUs: number, count: number, hasText: HasText): void {
    if (log.events === log.room) this.#grow(log);
    log.times[log.from + log.events] = timeUs;
    if (count !== 1 || hasText !== true || log.apart !== null) {
      const apart = (log.apart ??= alike(log.events, log.room));
      apart.counts[log.events] = count;
      apart.texts[log.events] = hasText === 'unknown' ? UNKNOWN_TEXT : hasText ? TEXT : 0;
    }
    log.events++;
  }

  /** What came so far; valid until the next call. */
  eventsOf(log: TokenLog): TokenEvents {
    const { times, from, events } = log;
    return { times: times.subarray(from, from + events), ...(log.apart ?? alike(events)), events };
  }

  /** The log is not used any more. */
  close({ times, from, room }: TokenLog): void {
    const bits = bitsOf(room);
    if (bits <= MOST_BITS) (this.#free[bits] ??= []).push({ times, from });
  }

  #take(events: number): Pick<TokenLog, 'times' | 'from' | 'room'> {
    const bits = bitsOf(events);
    const room = 2 ** bits;
    if (bits > MOST_BITS) return { times: new Float64Array(room), from: 0, room };
    const free = this.#free[bits]?.pop();
    if (free !== undefined) return { ...free, room };
    if (this.#used + room > this.#slab.length) {
      this.#slab = new Float64Array(SLAB);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += room;
    return { times: this.#slab, from, room };
  }

  #grow(log: TokenLog): void {
    const { times, from, room, events, apart } = log;
    const wider = this.#take(room * 2);
    wider.times.set(times.subarray(from, from + events), wider.from);
    this.close(log);
    Object.assign(log, wider);
    if (apart === null) return;
    log.apart = alike(0, log.room);
    log.apart.counts.set(apart.counts);
    log.apart.texts.set(apart.texts);
  }
}

/** As if each event so far was one token of text. */
function alike(events: number, room = events): Apart {
  return { counts: new Uint32Array(room).fill(1, 0, events), texts: new Uint8Array(room).fill(TEXT, 0, events) };
}

/** The least power of two that is not below `events`, as its logarithm. */
function bitsOf(events: number): number {
  return Math.max(LEAST_BITS, 32 - Math.clz32(events - 1));
}
