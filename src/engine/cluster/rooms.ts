import type { Clock } from '../../core/clock.ts';
import type { Cancel, EngineRequest, Listener } from '../engine.ts';
import { Expiring } from './expiring.ts';
import type { PendingTransfer } from './pending-transfers.ts';

/** What the two sides of an engine do for a room. */
export interface RoomParts {
  readonly clock: Clock;
  /** How long one half of a room waits for the other. */
  readonly timeoutUs: number;
  /** Computes a prompt and holds it, no longer than `timeoutUs`. */
  readonly hold: (request: EngineRequest, listener: Listener) => PendingTransfer;
  /** Has the request go on from a held prompt; its phases begin at `arrivalUs`. */
  readonly fetch: (held: PendingTransfer, request: EngineRequest, listener: Listener, arrivalUs: number) => Cancel;
  /** Why a request can never be decoded; null if it can. */
  readonly decodeRefusal: (request: EngineRequest) => string | null;
}

interface Half {
  readonly request: EngineRequest;
  readonly listener: Listener;
  readonly arrivalUs: number;
}

interface PrefillHalf extends Half {
  /** Null until it has been submitted. */
  held: PendingTransfer | null;
  isComputed: boolean;
}

interface DecodeHalf extends Half {
  /** While it waits, of the room; then of the request that goes on. */
  cancel: Cancel;
}

/** Two requests: null has not come yet, `gone` was given up or refused. */
interface Room {
  readonly key: string;
  prefill: PrefillHalf | 'gone' | null;
  decode: DecodeHalf | 'gone' | null;
  /** What the half that is left, or still to come, is told if the other is gone. */
  failure: string;
}
type Side = 'prefill' | 'decode';

const INVALID_STATUS = 400;
const FAILED_STATUS = 500;
const NOTHING = (): void => undefined;

/**
 * Where two requests meet that have the key of a room, as in SGLang (`bootstrap_room`): one computes the prompt, the
 * other decodes. Either may come first. If one is given up or refused, the other fails, now or when it comes; neither
 * waits for the other for longer than `timeoutUs`. The room is forgotten once the prompt is fetched.
 *
 *     prefill:  computes ------> prompt held ----\
 *                                                 >--> decode fetches it
 *     decode:   waits ---------------------------/
 */
export class Rooms {
  readonly #parts: RoomParts;
  readonly #rooms = new Map<string, Room>();
  /** Rooms in which nothing happens until the other half comes. */
  readonly #quiet: Expiring<Room>;

  constructor(parts: RoomParts) {
    this.#parts = parts;
    this.#quiet = new Expiring(parts.clock, parts.timeoutUs, (room) => this.#expire(room));
  }

  /** Requests to decode whose prompt is not there yet. */
  waiting(): number {
    let count = 0;
    for (const { decode } of this.#rooms.values()) if (isHere(decode)) count++;
    return count;
  }

  /** Computes the prompt of a room, and holds it for the request that decodes. */
  prefill(key: string, request: EngineRequest, listener: Listener): Cancel {
    const room = this.#enter(key, 'prefill', request, listener);
    if (room === null) return NOTHING;
    const arrivalUs = this.#parts.clock.now();
    const half: PrefillHalf = { request, listener, arrivalUs, held: null, isComputed: false };
    room.prefill = half;
    this.#quiet.take(key);
    half.held = this.#parts.hold(request, {
      tokens: (timeUs, count) => listener.tokens(timeUs, count),
      reject: (status, message) => {
        listener.reject(status, message);
        this.#fail(room, 'prefill', 'its prefill request was refused');
      },
      end: (timeUs, completion) => {
        half.isComputed = true;
        listener.end(timeUs, completion);
        this.#computed(room, half);
      },
    });
    return () => {
      if (half.isComputed || room.prefill !== half) return;
      half.held?.release();
      this.#fail(room, 'prefill', 'the client of its prefill request has gone');
    };
  }

  /** Waits until the prompt of a room is there, fetches it and decodes. */
  decode(key: string, request: EngineRequest, listener: Listener): Cancel {
    const room = this.#enter(key, 'decode', request, listener, this.#parts.decodeRefusal(request));
    if (room === null) return NOTHING;
    const half: DecodeHalf = { request, listener, arrivalUs: this.#parts.clock.now(), cancel: NOTHING };
    half.cancel = () => {
      half.cancel = NOTHING;
      this.#fail(room, 'decode', 'the client of its decode request has gone');
    };
    room.decode = half;
    if (!isHere(room.prefill)) this.#quiet.keep(key, room);
    else if (room.prefill.isComputed) this.#fetch(room, room.prefill, half);
    return () => half.cancel();
  }

  /** The room with a place on `side`; null if the request was rejected: for `refusal`, if it has one. */
  #enter(
    key: string,
    side: Side,
    request: EngineRequest,
    listener: Listener,
    refusal: string | null = null,
  ): Room | null {
    const room = this.#rooms.get(key) ?? { key, prefill: null, decode: null, failure: '' };
    const other = room[otherThan(side)];
    if (room[side] !== null) {
      listener.reject(INVALID_STATUS, `bootstrap_room=${key} is in use by another ${side} request: draw a new one.`);
      return null;
    }
    this.#rooms.set(key, room);
    if (refusal !== null) {
      listener.reject(INVALID_STATUS, refusal);
      this.#fail(room, side, `its ${side} request was refused`);
    } else if (other === 'gone') {
      this.#forget(room);
      listener.reject(FAILED_STATUS, room.failure);
    } else if (other !== null && other.request.inputTokens !== request.inputTokens) {
      const [here, there] = [request.inputTokens, other.request.inputTokens];
      listener.reject(
        INVALID_STATUS,
        `The prompt has ${here} tokens, and that of the ${otherThan(side)} request of bootstrap_room=${key} has ${there}.`,
      );
      this.#fail(room, side, 'its two requests have different prompts');
    } else return room;
    return null;
  }

  #computed(room: Room, prefill: PrefillHalf): void {
    if (isHere(room.decode)) this.#fetch(room, prefill, room.decode);
    else this.#quiet.keep(room.key, room);
  }

  #fetch(room: Room, prefill: PrefillHalf, decode: DecodeHalf): void {
    const { held } = prefill;
    if (held === null) throw new Error('a prompt is computed that was not submitted');
    this.#forget(room);
    const { request, listener } = decode;
    const ofDecode: Listener = {
      tokens: (timeUs, count) => listener.tokens(timeUs, count),
      end: (timeUs, completion) => listener.end(timeUs, completion),
      reject: (status, message) => {
        held.release();
        listener.reject(status, message);
      },
    };
    decode.cancel = this.#parts.fetch(held, request, ofDecode, Math.min(prefill.arrivalUs, decode.arrivalUs));
  }

  /** One half is gone: the other is told, now or when it comes. */
  #fail(room: Room, side: Side, why: string): void {
    const { key, prefill, decode } = room;
    room[side] = 'gone';
    room.failure = `KVTransferError(bootstrap_room=${key}): ${why}.`;
    if (room[otherThan(side)] === null) {
      this.#quiet.keep(key, room);
      return;
    }
    this.#forget(room);
    if (side === 'prefill' && isHere(decode)) reject(decode, room.failure);
    if (side === 'decode' && isHere(prefill)) {
      room.prefill = 'gone';
      prefill.held?.release();
      if (!prefill.isComputed) prefill.listener.reject(FAILED_STATUS, room.failure);
    }
  }

  #expire(room: Room): void {
    const { key, decode } = room;
    this.#rooms.delete(key);
    // A prompt that is not fetched is released by who holds it.
    if (!isHere(decode)) return;
    const timeoutS = this.#parts.timeoutUs / 1e6;
    reject(decode, `KVTransferError(bootstrap_room=${key}): no prefill request has come within ${timeoutS} s.`);
  }

  #forget(room: Room): void {
    this.#quiet.take(room.key);
    this.#rooms.delete(room.key);
  }
}

function isHere<T extends Half>(half: T | 'gone' | null): half is T {
  return half !== null && half !== 'gone';
}

function otherThan(side: Side): Side {
  return side === 'prefill' ? 'decode' : 'prefill';
}

function reject(decode: DecodeHalf, failure: string): void {
  decode.cancel = NOTHING;
  decode.listener.reject(FAILED_STATUS, failure);
}
