import { ProtocolError, type Call, type Codec, type Decoder, type TokenOut } from '../core/codec.ts';
import type { Outcome } from '../core/record.ts';
import type { ResponseInfo, ScheduledRequest, Sink } from '../core/target.ts';
import type { WallClock } from '../core/wall-clock.ts';
import type { ReceiveQueue } from './receive-queue.ts';
import { CallHandler, type CallEvents } from './call-handler.ts';

/** Statuses with which a server rejects a request that it understood; any other error status is an HTTP error. */
const REJECTED: ReadonlySet<number> = new Set([400, 413, 422, 429, 503]);

/** Names of undici's errors for bytes that are no HTTP, and for headers without end. */
const NO_HTTP: ReadonlySet<string> = new Set(['HTTPParserError', 'HeadersOverflowError']);

/** Shared by all exchanges with a target. */
export interface Wire {
  readonly codec: Codec;
  readonly clock: WallClock;
  readonly receiveQueue: ReceiveQueue;
  dispatch(call: Call, handler: CallHandler): void;
  /** A text from the server, without secrets, as a record may hold it. */
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
  #streamIsOver = false;
  /** When the server ended its stream. */
  #doneUs: number | null = null;
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
    if (this.#doneUs === null) this.#finish();
    else this.#end(this.#doneUs); // the server ended the stream and left the connection open
    return this.#doneUs === null ? this.#responseSoFar() : null;
  }

  tokens(count: number, hasText?: boolean): void {
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

  onHead(status: number, encoding: string): void {
    if (this.#over || status < 200) return;
    this.#httpStatus = status;
    if (status < 300 && encoding !== 'identity')
      this.fail('protocol_error', `the answer is compressed (content-encoding ${encoding}), though not asked to be`);
  }

  onStream(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#decoder.push(chunk);
    const fault = this.#decoder.error;
    if (fault !== null) this.fail(fault.outcome, fault.message);
    else if (this.#decoder.isDone) this.#doneUs ??= this.#wire.receiveQueue.nowUs();
  }

  onCallEnd(role: Call['role']): void {
    if (this.#over) return;
    if (role === 'stream') {
      this.#streamIsOver = true;
      const fault = this.#decoder.end();
      if (fault !== null) {
        this.fail(fault.outcome, fault.message);
        return;
      }
    }
    this.#open--;
    if (this.#open > 0) return;
    const next = this.#streamIsOver ? [] : (this.#wire.codec.next?.(this.#scheduled.request, this.#replies) ?? []);
    if (next.length > 0) {
      this.#step(next);
      return;
    }
    this.#end(this.#wire.receiveQueue.nowUs());
  }

  onErrorStatus(status: number, body: string): void {
    this.fail(REJECTED.has(status) ? 'rejected' : 'http_error', this.#wire.codec.errorMessage(body));
  }

  /**
   * The socket failed: without a connection that is a connect error, later a broken stream, or the end of a complete
   * one.
   */
  onBroken(role: Call['role'], error: Error, connected: boolean): void {
    if (role === 'stream' && this.#doneUs !== null) this.onCallEnd(role);
    else if (NO_HTTP.has(error.name)) this.fail('protocol_error', describe(error));
    else this.fail(connected ? 'stream_broken' : 'connect_error', describe(error));
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
    this.onOver();
  }
}

function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code === '' || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
