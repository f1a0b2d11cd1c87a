import { ProtocolError, type Call } from '../core/codec.ts';
import { GatheredBytes } from '../core/gathered-bytes.ts';
import type { Lease, LeasePool } from './connections.ts';

/** Bytes of an error response's body that are read at most. */
const ERROR_BODY_BYTES = 8192;

/** Of the body of a `reply` call; one that hands over a prompt of a million tokens has some 100,000 block ids. */
const MAX_REPLY_BYTES = 16 * 1024 ** 2;

/**
 * How long the rest of a body is awaited behind the end of its stream. If the body ends by then, as nearly all do with
 * the same bytes, its connection is reused; otherwise it is closed.
 */
const DRAIN_MS = 1000;

/** What the head of a response says besides its status; '' where it does not. */
export interface Head {
  readonly encoding: string;
  readonly location: string;
}

/** What had happened on a connection when it broke. */
export type BrokenAt =
  /** No connection could be made. */
  | 'connecting'
  /** No byte of a response came, on a connection that had been opened for the call. */
  | 'unanswered'
  /** The same, on a connection that had been open before the call. */
  | 'unanswered after idling'
  | 'answering';

/** Receives the events of calls; an Exchange implements it. */
export interface CallEvents {
  onSent(call: Call, connectUs: number | null): void;
  onHead(call: Call, status: number, head: Head): void;
  /**
   * Bytes of the `stream` call, `[from, to)` of a buffer that is lent. Returns whether the stream is over: what follows
   * in the body is not read.
   */
  onStream(bytes: Buffer, from: number, to: number): boolean;
  /** The `stream` call's body has ended. */
  onStreamEnd(): void;
  /** A `reply` call's body is whole. */
  onReply(call: Call, body: Uint8Array): void;
  onErrorStatus(call: Call, status: number, body: string): void;
  onBroken(call: Call, error: Error, at: BrokenAt): void;
  /** The connection broke while it idled, before any of the call was written to it: the call goes on another, once. */
  onUnsent(handler: CallHandler): void;
  /** What one of these threw: undici would take an exception for an error of the connection, and it would be lost. */
  onThrown(call: Call, thrown: unknown): void;
}

/** What a call is on, once it is being written. */
export interface CallConnection {
  /** Gives up the call, which closes the connection, unless the call is over. */
  abort(handler: CallHandler, reason: Error): void;
}

/** What comes of one call, from whichever client sends it; the token path goes through `onBody` alone. */
export class CallHandler {
  readonly #exchange: CallEvents;
  readonly call: Call;
  /** Null: nothing of the call has been written. */
  #connection: CallConnection | null = null;
  #lease: Lease | null = null;
  #pool: LeasePool | null = null;
  #status = 0;
  /** Whether the body is that of an answer with tokens. */
  #isStream = false;
  readonly #kept = new GatheredBytes();
  #aborted = false;
  #isDraining = false;
  #isFree = false;
  #drainTimer: NodeJS.Timeout | null = null;
  #isSentAgain = false;

  constructor(exchange: CallEvents, call: Call) {
    this.#exchange = exchange;
    this.call = call;
  }

  /** The call is lent a connection of `pool`. */
  lend(lease: Lease, pool: LeasePool): void {
    this.#lease = lease;
    this.#pool = pool;
    this.#isFree = false;
  }

  /** The exchange is over: what is left of the body is read for a while, so that the connection can be used again. */
  drain(): void {
    if (!this.#isIgnored()) this.#drain();
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#connection?.abort(this, new Error('given up'));
  }

  /** The call is about to be written. */
  onStart(connection: CallConnection): void {
    this.#connection = connection;
    if (this.#aborted) connection.abort(this, new Error('given up'));
  }

  onSent(): void {
    try {
      this.#exchange.onSent(this.call, this.#lease?.connectUs ?? null);
    } catch (thrown) {
      this.#exchange.onThrown(this.call, thrown);
    }
  }

  /** Header names in lower case. */
  onHead(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    this.#status = status;
    this.#isStream = this.call.role === 'stream' && this.#isOk();
    if (this.#aborted) return;
    try {
      this.#exchange.onHead(this.call, status, {
        encoding: textOf(headers['content-encoding']),
        location: textOf(headers['location']),
      });
    } catch (thrown) {
      this.#exchange.onThrown(this.call, thrown);
    }
  }

  /** `[from, to)` of a buffer that is lent. */
  onBody(bytes: Buffer, from: number, to: number): void {
    if (this.#isIgnored()) return;
    try {
      if (!this.#isStream) this.#keep(bytes.subarray(from, to));
      else if (this.#exchange.onStream(bytes, from, to) && !this.#aborted) this.#drain();
    } catch (thrown) {
      this.#exchange.onThrown(this.call, thrown);
    }
  }

  onEnd(): void {
    this.#free();
    if (this.#isIgnored()) return;
    try {
      if (!this.#isOk()) this.#reportError();
      else if (this.call.role === 'reply') this.#exchange.onReply(this.call, this.#kept.take());
      else this.#exchange.onStreamEnd();
    } catch (thrown) {
      this.#exchange.onThrown(this.call, thrown);
    }
  }

  onError(error: Error): void {
    const isConnectError = this.#lease?.isUnconnected === true;
    const wasIdle = this.#lease?.connectUs === null;
    this.#free();
    if (this.#isIgnored()) return;
    try {
      if (this.#status >= 300) this.#reportError();
      else if (this.#status >= 200) this.#exchange.onBroken(this.call, error, 'answering'); // 1xx answers nothing
      else if (this.#connection !== null) this.#exchange.onBroken(this.call, error, unanswered(wasIdle));
      else if (isConnectError) this.#exchange.onBroken(this.call, error, 'connecting');
      else this.#notSent(error);
    } catch (thrown) {
      this.#exchange.onThrown(this.call, thrown);
    }
  }

  #notSent(error: Error): void {
    if (this.#isSentAgain) this.#exchange.onBroken(this.call, error, 'unanswered after idling');
    // Later, as the client is still at work on the connection.
    else process.nextTick(sendAgain, this, this.#exchange);
    this.#isSentAgain = true;
  }

  #drain(): void {
    this.#isDraining = true;
    process.nextTick(limitDrain, this);
  }

  /** Nearly all bodies end with the bytes in which their stream did: those need no timer. */
  limitDrain(): void {
    if (!this.#isFree) this.#drainTimer = setTimeout(() => this.abort(), DRAIN_MS).unref();
  }

  #free(): void {
    this.#isFree = true;
    if (this.#drainTimer !== null) clearTimeout(this.#drainTimer);
    if (this.#lease !== null) this.#pool?.release(this.#lease);
  }

  /** Nothing is reported any more. */
  #isIgnored(): boolean {
    return this.#aborted || this.#isDraining;
  }

  #isOk(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #keep(chunk: Buffer): void {
    this.#kept.push(chunk);
    if (!this.#isOk() && this.#kept.length >= ERROR_BODY_BYTES) this.#reportError();
    if (this.#kept.length > MAX_REPLY_BYTES)
      throw new ProtocolError(`a reply is longer than ${MAX_REPLY_BYTES} bytes, which no hand-over of a prompt needs`);
  }

  #reportError(): void {
    this.#exchange.onErrorStatus(this.call, this.#status, this.#kept.take().toString('utf8', 0, ERROR_BODY_BYTES));
  }
}

function limitDrain(handler: CallHandler): void {
  handler.limitDrain();
}

function sendAgain(handler: CallHandler, exchange: CallEvents): void {
  exchange.onUnsent(handler);
}

const unanswered = (wasIdle: boolean): BrokenAt => (wasIdle ? 'unanswered after idling' : 'unanswered');

const textOf = (header: string | string[] | undefined): string => (header === undefined ? '' : String(header).trim());
