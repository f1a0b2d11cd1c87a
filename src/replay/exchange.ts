import {
  FINISHED_GRACE_MS,
  ProtocolError,
  type Call,
  type Codec,
  type Decoder,
  type StreamError,
  type TokenOut,
} from '../core/codec.ts';
import { UserError } from '../core/errors.ts';
import { outcomeOfStatus, type HandoverTimes, type Outcome } from '../core/record.ts';
import type { OutsideText } from '../core/outside-text.ts';
import type { HasText, ResponseInfo, ScheduledRequest, Sink } from '../core/target.ts';
import { formatMs } from '../core/units.ts';
import type { WallClock } from '../core/wall-clock.ts';
import type { ReceiveQueue } from './receive-queue.ts';
import { CallHandler, type BrokenAt, type CallEvents, type Head } from './call-handler.ts';

/** Names of the errors of both clients for bytes that are no HTTP, and for headers without end. */
const NO_HTTP: ReadonlySet<string> = new Set(['HTTPParserError', 'HeadersOverflowError', 'MalformedResponse']);
/** undici's name for a length that contradicts the other headers; behind the head, for a body that broke off. */
const BAD_LENGTH = 'ResponseContentLengthMismatchError';
/** undici's words for a response to what no call asks: 100 Continue, another protocol. */
const UNASKED: ReadonlySet<string> = new Set(['bad response', 'bad upgrade']);
/** In undici's error for an end in the middle of a body, where the connection was to be closed behind it. */
const EARLY_END = 'Invalid EOF state';

/** So much later than the request left the clock may be read, where the client's core is taken away at that moment. */
const SENT_LATE_US = 100_000;

/** Shared by all exchanges with a target. */
export interface Wire {
  readonly codec: Codec;
  readonly clock: WallClock;
  readonly receiveQueue: ReceiveQueue;
  dispatch(call: Call, handler: CallHandler): void;
  /** The exchange of this request is over. */
  over(index: number): void;
  /** Names the endpoint of a call in messages, with a colon behind it; '' where the target has one endpoint. */
  nameOf(call: Call): string;
  /** The way of the server's texts into records. */
  readonly texts: OutsideText;
}

/** One request on the wire: the calls of its steps, and one outcome. */
export class Exchange implements TokenOut, CallEvents {
  readonly #scheduled: ScheduledRequest;
  readonly #index: number;
  readonly #sink: Sink;
  readonly #wire: Wire;
  readonly #decoder: Decoder;
  readonly #calls: CallHandler[] = [];
  #step = 0;
  /** Calls of this step that are not over. */
  #open = 0;
  #over = false;
  readonly #times: ExchangeTimes = { sentUs: null, repliedUs: null, streamSentUs: null, firstTokenUs: null };
  #hasToken = false;
  #httpStatus: number | null = null;
  #encoding = '';
  #streamIsOver = false;
  /** The decoder's count of the events that finished the response, and when the last of them arrived. */
  #finalEvents = 0;
  #finishedUs = 0;
  #graceTimer: NodeJS.Timeout | null = null;

  constructor(scheduled: ScheduledRequest, sink: Sink, wire: Wire) {
    this.#scheduled = scheduled;
    this.#index = scheduled.index;
    this.#sink = sink;
    this.#wire = wire;
    this.#decoder = wire.codec.decoder(scheduled.request, this);
  }

  start(): void {
    this.#send(this.#prepared(0));
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

  tokens(count: number, hasText?: HasText, agoUs = 0): void {
    const nowUs = this.#wire.receiveQueue.nowUs();
    const timeUs = agoUs === 0 ? nowUs : this.#told(nowUs - agoUs);
    if (!this.#hasToken && count > 0) {
      this.#hasToken = true;
      this.#times.firstTokenUs = timeUs;
    }
    this.#sink.tokens(this.#index, timeUs, count, hasText);
  }

  /** A time by the server's clock; no token came before its request was sent. */
  #told(timeUs: number): number {
    const { sentUs } = this.#times;
    if (sentUs === null || timeUs >= sentUs) return timeUs;
    if (sentUs - timeUs <= SENT_LATE_US) return sentUs;
    const earlyMs = (sentUs - timeUs) / 1000;
    throw new ProtocolError(`by the server's times a token came ${formatMs(earlyMs)} before the request was sent`);
  }

  #prepared(step: number): readonly Call[] {
    return this.#scheduled.calls.filter((call) => (call.step ?? 0) === step);
  }

  #send(calls: readonly Call[]): void {
    this.#open = calls.length;
    for (const call of calls) {
      const handler = new CallHandler(this, call);
      this.#calls.push(handler);
      this.#wire.dispatch(call, handler);
    }
  }

  onSent(call: Call, connectUs: number | null): void {
    if (this.#over) return;
    const nowUs = this.#wire.clock.read();
    if (call.role === 'stream') this.#times.streamSentUs ??= nowUs;
    if (this.#times.sentUs !== null) return;
    this.#times.sentUs = nowUs;
    this.#sink.sent(this.#index, nowUs, connectUs);
  }

  onHead(call: Call, status: number, { encoding, location }: Head): void {
    if (this.#over || status < 200) return;
    if (call.role === 'stream' || status >= 300 || this.#httpStatus === null) this.#httpStatus = status;
    this.#encoding = encoding === '' || encoding.toLowerCase() === 'identity' ? '' : `content-encoding ${encoding}`;
    if (status < 300 && this.#encoding !== '')
      this.#failAt(call, 'protocol_error', `the answer is compressed (${this.#encoding}), though not asked to be`);
    else if (isRedirect(status, location)) this.#failAt(call, 'http_error', redirectedTo(location));
  }

  onStream(bytes: Buffer, from: number, to: number): boolean {
    if (this.#over) return true;
    if (this.#decoder.pushPart === undefined) this.#decoder.push(bytes.subarray(from, to));
    else this.#decoder.pushPart(bytes, from, to);
    const fault = this.#decoder.error;
    if (fault !== null) this.#failStream(fault);
    else if (this.#decoder.isDone) this.onStreamEnd();
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
    if (this.#graceTimer === null) process.nextTick(awaitMore, this);
    else this.#graceTimer.refresh();
  }

  /** Nearly all of them come with the bytes that are being read: those need no timer. */
  awaitMore(): void {
    if (this.#over || this.#finalEvents === 0) return;
    this.#graceTimer ??= setTimeout(() => this.#endOfGrace(), FINISHED_GRACE_MS);
  }

  /** What seemed the end was none. */
  #dropGrace(): void {
    if (this.#graceTimer === null) return;
    clearTimeout(this.#graceTimer);
    this.#graceTimer = null;
  }

  get #stream(): CallHandler | undefined {
    return this.#calls.find(({ call }) => call.role === 'stream');
  }

  #endOfGrace(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    try {
      this.#wire.receiveQueue.readAll();
      if (this.#over || this.#streamIsOver || this.#finalEvents === 0) return;
      this.onStreamEnd();
      stream.abort();
    } catch (thrown) {
      this.onThrown(stream.call, thrown);
    }
  }

  /** The stream ends the exchange; a reply beside it that has not come by now changes nothing any more. */
  onStreamEnd(): void {
    if (this.#over) return;
    const nowUs = this.#wire.receiveQueue.nowUs();
    this.#streamIsOver = true;
    const fault = this.#decoder.end();
    if (fault !== null) {
      this.#failStream(fault);
      return;
    }
    // Without [DONE] the last event is the end, not a body's end that may come much later.
    const isByEvent = !this.#decoder.isDone && !this.#hasNewFinalEvents() && this.#finalEvents > 0;
    this.#end(isByEvent ? this.#finishedUs : nowUs);
    for (const handler of this.#calls) if (handler.call.role === 'reply') handler.drain();
  }

  onReply(call: Call, body: Uint8Array): void {
    if (this.#over) return;
    const nowUs = this.#wire.receiveQueue.nowUs();
    this.#times.repliedUs = nowUs;
    const fault = this.#decoder.reply?.(call, body) ?? null;
    if (fault !== null) {
      this.#failAt(call, fault.outcome, fault.message);
      return;
    }
    this.#open--;
    if (this.#open > 0) return;
    const prepared = this.#prepared(++this.#step);
    const next = this.#decoder.next?.(prepared) ?? prepared;
    if (next.length > 0) this.#send(next);
    else this.#end(nowUs);
  }

  onErrorStatus(call: Call, status: number, body: string): void {
    const message = this.#encoding === '' ? this.#wire.codec.errorMessage(body) : `a body with ${this.#encoding}`;
    this.#failAt(call, outcomeOfStatus(status), message);
  }

  /** The socket failed: that is a connect error, a broken stream, or the end of a response that was whole. */
  onBroken(call: Call, error: Error, at: BrokenAt): void {
    if (call.role === 'stream' && this.#finalEvents > 0) this.onStreamEnd();
    // This machine has no more connections: nothing that follows would be the load that was asked for.
    else if (error instanceof UserError) this.onThrown(call, error);
    else if (isNoHttp(error, at)) this.#failAt(call, 'protocol_error', describe(error));
    else if (at === 'connecting') this.#failAt(call, 'connect_error', describe(error));
    else this.#failAt(call, 'stream_broken', BROKEN[at] + describe(error) + this.#saidBefore(call));
  }

  onUnsent(handler: CallHandler): void {
    if (!this.#over) this.#wire.dispatch(handler.call, handler);
  }

  /** How far a stream came that broke off, and what the server said in it. */
  #saidBefore({ role }: Call): string {
    const fault = role === 'stream' && this.#httpStatus !== null ? this.#decoder.end() : null;
    return fault === null ? '' : `: ${fault.message}`;
  }

  #failStream({ outcome, message }: StreamError): void {
    const stream = this.#stream;
    if (stream !== undefined) this.#failAt(stream.call, outcome, message);
  }

  #failAt(call: Call, outcome: Outcome, error: string): void {
    this.fail(outcome, this.#wire.nameOf(call) + error);
  }

  /** The first failure is the outcome; a call that fails aborts its siblings. */
  fail(outcome: Outcome, error: string): void {
    if (this.#over) return;
    const timeUs = this.#wire.receiveQueue.nowUs();
    this.#finish();
    for (const call of this.#calls) call.abort();
    this.#sink.fail(this.#index, timeUs, outcome, this.#wire.texts.quoted(error), this.#responseSoFar());
  }

  /** What a callback threw: bytes of another protocol, or a fault of ours, which the sink hears of even after the end. */
  onThrown(call: Call, thrown: unknown): void {
    if (thrown instanceof ProtocolError) {
      this.#failAt(call, 'protocol_error', thrown.message);
      return;
    }
    if (!this.#over) this.#finish();
    for (const each of this.#calls) each.abort();
    this.#sink.fault(this.#index, thrown);
  }

  #end(timeUs: number): void {
    this.#finish();
    this.#sink.end(this.#index, timeUs, this.#response());
  }

  #responseSoFar(): ResponseInfo | null {
    if (this.#httpStatus === null) return null;
    const aftermath = this.#decoder.aftermath ?? null;
    return { ...this.#response(), ...(aftermath === null ? {} : { aftermath }) };
  }

  #response(): ResponseInfo {
    const response = this.#decoder.response(this.#httpStatus);
    const { finishReason } = response;
    const heard = finishReason === null ? response : { ...response, finishReason: this.#wire.texts.name(finishReason) };
    const hasReplies = this.#scheduled.calls.some(({ role }) => role === 'reply');
    return hasReplies ? { ...heard, handover: handoverTimes(this.#times) } : heard;
  }

  #finish(): void {
    this.#over = true;
    this.#dropGrace();
    this.#wire.over(this.#index);
  }
}

function awaitMore(exchange: Exchange): void {
  exchange.awaitMore();
}

/** When the calls of an exchange got how far, microseconds of its clock; null: not yet. */
interface ExchangeTimes {
  sentUs: number | null;
  /** The last reply so far was whole. */
  repliedUs: number | null;
  streamSentUs: number | null;
  firstTokenUs: number | null;
}

function handoverTimes({ sentUs, repliedUs, streamSentUs, firstTokenUs }: ExchangeTimes): HandoverTimes {
  const prefilledUs = repliedUs === null ? firstTokenUs : Math.min(repliedUs, firstTokenUs ?? repliedUs);
  const handedUs = prefilledUs === null || streamSentUs === null ? null : Math.max(prefilledUs, streamSentUs);
  const between = (fromUs: number | null, toUs: number | null): number | null =>
    fromUs === null || toUs === null ? null : toUs - fromUs;
  return {
    prefill_call_us: between(sentUs, prefilledUs),
    handover_us: between(prefilledUs, handedUs),
    first_decode_us: between(handedUs, firstTokenUs),
  };
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

/** Whether a connection failed by its bytes. */
export function isNoHttp({ name, message }: Error, at: BrokenAt): boolean {
  if (name === BAD_LENGTH) return at !== 'answering';
  return UNASKED.has(message) || (NO_HTTP.has(name) && !message.includes(EARLY_END));
}

function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return code === '' || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}
