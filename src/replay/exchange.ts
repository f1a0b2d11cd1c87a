import { FINISHED_GRACE_MS, ProtocolError, type Call, type Codec, type Decoder, type TokenOut } from '../core/codec.ts';
import { outcomeOfStatus, type Outcome } from '../core/record.ts';
import type { HasText, ResponseInfo, ScheduledRequest, Sink } from '../core/target.ts';
import type { WallClock } from '../core/wall-clock.ts';
import type { ReceiveQueue } from './receive-queue.ts';
import { CallHandler, type BrokenAt, type CallEvents, type Head } from './call-handler.ts';

/** Names of undici's errors for bytes that are no HTTP, and for headers without end. */
const NO_HTTP: ReadonlySet<string> = new Set(['HTTPParserError', 'HeadersOverflowError']);

/** Shared by all exchanges with a target. */
export interface Wire {
  readonly codec: Codec;
  readonly clock: WallClock;
  readonly receiveQueue: ReceiveQueue;
  dispatch(call: Call, handler: CallHandler): void;
  /** A text from the server as a record may hold it: one line, without secrets, not too long. */
  quoted(text: string): string;
}

/** One request on the wire: the calls of its steps, and one outcome. */
export class Exchange implements TokenOut, CallEvents {
  readonly #scheduled: ScheduledRequest;
  readonly #sink: Sink;
  readonly #wire: Wire;
  readonly #decoder: Decoder;
  readonly #calls: CallHandler[] = [];
  readonly #replies = new Map<number, Uint8Array>();
  #open = 0;
  #sent = false;
  #over = false;
  #httpStatus: number | null = null;
  #encoding = '';
  #streamIsOver = false;
  /** The decoder's count of the events that finished the response, and when the last of them arrived. */
  #finalEvents = 0;
  #finishedUs = 0;
  #graceTimer: NodeJS.Timeout | null = null;
  onOver: () => void = () => undefined;

  constructor(scheduled: ScheduledRequest, sink: Sink, wire: Wire) {
    this.#scheduled = scheduled;
    this.#sink = sink;
    this.#wire = wire;
    this.#decoder = wire.codec.decoder(scheduled.request, this);
  }

  start(): void {
    this.#step(this.#scheduled.calls);
  }

  /** Ends the exchange; the sink gets only the tokens that have arrived. Null if these bytes completed the response. */
  abandon(): ResponseInfo | null {
    this.#wire.receiveQueue.readAll();
    if (this.#over) return null;
    for (const call of this.#calls) call.abort();
    if (this.#finalEvents > 0) {
      this.#end(this.#finishedUs);
      return null;
    }
    this.#finish();
    return this.#responseSoFar();
  }

  tokens(count: number, hasText?: HasText): void {
    this.#sink.tokens(this.#scheduled.index, this.#wire.receiveQueue.nowUs(), count, hasText);
  }

  #step(calls: readonly Call[]): void {
    this.#open = calls.length;
    for (const call of calls) {
      const handler = new CallHandler(this, call.role);
      this.#calls.push(handler);
      handler.onReply = (body) => this.#replies.set(call.id, body);
      this.#wire.dispatch(call, handler);
    }
  }

  onSent(connectUs: number | null): void {
    if (this.#sent || this.#over) return;
    this.#sent = true;
    this.#sink.sent(this.#scheduled.index, this.#wire.clock.read(), connectUs);
  }

  onHead(status: number, { encoding, location }: Head): void {
    if (this.#over || status < 200) return;
    this.#httpStatus = status;
    this.#encoding = encoding === '' || encoding.toLowerCase() === 'identity' ? '' : `content-encoding ${encoding}`;
    if (status < 300 && this.#encoding !== '')
      this.fail('protocol_error', `the answer is compressed (${this.#encoding}), though not asked to be`);
    else if (isRedirect(status, location)) this.fail('http_error', redirectedTo(location));
  }

  onStream(chunk: Uint8Array): boolean {
    if (this.#over) return true;
    this.#decoder.push(chunk);
    const fault = this.#decoder.error;
    if (fault !== null) this.fail(fault.outcome, fault.message);
    else if (this.#decoder.isDone) this.onCallEnd('stream');
    else if (this.#hasNewFinalEvents()) this.#endUnlessMoreComes();
    else if (this.#finalEvents === 0) this.#dropGrace();
    return this.#streamIsOver;
  }

  #hasNewFinalEvents(): boolean {
    const before = this.#finalEvents;
    this.#finalEvents = this.#decoder.finalEvents ?? 0;
    if (this.#finalEvents === before || this.#finalEvents === 0) return false;
    this.#finishedUs = this.#wire.receiveQueue.nowUs();
    return true;
  }

  /** The response is whole, but its usage, its [DONE] or its body's end may follow. */
  #endUnlessMoreComes(): void {
    this.#graceTimer ??= setTimeout(() => this.#endOfGrace(), FINISHED_GRACE_MS);
    this.#graceTimer.refresh();
  }

  /** What seemed the end was none. */
  #dropGrace(): void {
    if (this.#graceTimer === null) return;
    clearTimeout(this.#graceTimer);
    this.#graceTimer = null;
  }

  #endOfGrace(): void {
    try {
      this.#wire.receiveQueue.readAll();
      if (this.#over || this.#streamIsOver || this.#finalEvents === 0) return;
      this.onCallEnd('stream');
      for (const call of this.#calls) if (call.role === 'stream') call.abort();
    } catch (thrown) {
      this.onThrown(thrown);
    }
  }

  onCallEnd(role: Call['role']): void {
    if (this.#over) return;
    let endUs = this.#wire.receiveQueue.nowUs();
    if (role === 'stream') {
      this.#streamIsOver = true;
      const fault = this.#decoder.end();
      if (fault !== null) {
        this.fail(fault.outcome, fault.message);
        return;
      }
      // Without [DONE] the last event is the end, not a body's end that may come much later.
      if (!this.#decoder.isDone && !this.#hasNewFinalEvents() && this.#finalEvents > 0) endUs = this.#finishedUs;
    }
    this.#open--;
    if (this.#open > 0) return;
    const next = this.#streamIsOver ? [] : (this.#wire.codec.next?.(this.#scheduled.request, this.#replies) ?? []);
    if (next.length > 0) {
      this.#step(next);
      return;
    }
    this.#end(endUs);
  }

  onErrorStatus(status: number, body: string): void {
    const message = this.#encoding === '' ? this.#wire.codec.errorMessage(body) : `a body with ${this.#encoding}`;
    this.fail(outcomeOfStatus(status), message);
  }

  /** The socket failed: that is a connect error, a broken stream, or the end of a response that was whole. */
  onBroken(role: Call['role'], error: Error, at: BrokenAt): void {
    if (role === 'stream' && this.#finalEvents > 0) this.onCallEnd(role);
    else if (NO_HTTP.has(error.name)) this.fail('protocol_error', describe(error));
    else if (at === 'connecting') this.fail('connect_error', describe(error));
    else this.fail('stream_broken', BROKEN[at] + describe(error) + this.#saidBefore(role));
  }

  /** How far a stream came that broke off, and what the server said in it. */
  #saidBefore(role: Call['role']): string {
    const fault = role === 'stream' && this.#httpStatus !== null ? this.#decoder.end() : null;
    return fault === null ? '' : `: ${fault.message}`;
  }

  /** The first failure is the outcome; a call that fails aborts its siblings. */
  fail(outcome: Outcome, error: string): void {
    if (this.#over) return;
    const timeUs = this.#wire.receiveQueue.nowUs();
    this.#finish();
    for (const call of this.#calls) call.abort();
    this.#sink.fail(this.#scheduled.index, timeUs, outcome, this.#wire.quoted(error), this.#responseSoFar());
  }

  /** What a callback threw: bytes of another protocol, or a fault of ours, which the sink hears of even after the end. */
  onThrown(thrown: unknown): void {
    if (thrown instanceof ProtocolError) {
      this.fail('protocol_error', thrown.message);
      return;
    }
    if (!this.#over) this.#finish();
    for (const call of this.#calls) call.abort();
    this.#sink.fault(this.#scheduled.index, thrown);
  }

  #end(timeUs: number): void {
    this.#finish();
    this.#sink.end(this.#scheduled.index, timeUs, this.#decoder.response(this.#httpStatus));
  }

  #responseSoFar(): ResponseInfo | null {
    return this.#httpStatus === null ? null : this.#decoder.response(this.#httpStatus);
  }

  #finish(): void {
    this.#over = true;
    this.#dropGrace();
    this.onOver();
  }
}

/** What a broken connection shows besides its error. */
const BROKEN = {
  answering: '',
  unanswered: 'the connection was closed before the first byte of an answer: ',
  'unanswered after idling':
    'the connection was closed before the first byte of an answer; it had been open before the request, and servers close idle ones (--connections per-request opens one for each request): ',
} as const;

/** Whether a response sends the client elsewhere. */
export function isRedirect(status: number, location: string): boolean {
  return status >= 300 && status < 400 && location !== '';
}

export function redirectedTo(location: string): string {
  return `the server redirects to ${location}, and redirects are not followed: give --target the URL that it redirects to`;
}

function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code === '' || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
