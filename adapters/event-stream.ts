import type { Decoder, StreamError } from '../src/core/codec.ts';
import { messageOf } from '../src/core/errors.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import {
  bounded,
  errorIn,
  errorMessageOf,
  hasAnswer,
  isErrorEvent,
  reasonOf,
  remarkOf,
  statusIn,
} from './error-shape.ts';
import { isObject, parseJson, type Json } from './json.ts';
import { endOfEvent, isEndMark, SseReader, startOfData } from './sse.ts';

/** The sign of a response that has as many tokens as planned. */
const PLAN = 'planned tokens';
/** Names of events that report an error, whatever they hold. */
const ERROR_NAME = /error|fail|abort|exception/i;

/** How a dialect reads the JSON events of one response: it counts their tokens and keeps what else they hold. */
export interface EventHandler {
  /** Counts an event that has the form of earlier ones, without parsing it; false for an event that must be parsed. */
  countUnparsed(data: string): boolean;
  /**
   * The same of bytes that may begin with such an event: the position behind it, and -1 where they do not. Nothing is
   * counted before `countMatched`.
   */
  match(bytes: Buffer, from: number, to: number): number;
  countMatched(): void;
  /** Reads a parsed event; an error ends the response. */
  read(event: Json, data: string): StreamError | null;
  /** Tokens counted so far. */
  readonly countedTokens: number;
  /** Events with text so far. */
  readonly texts: number;
  /** The last finish reason, and how many events had one. */
  readonly finishReason: string | null;
  readonly reasons: number;
  /** What the events so far hold about the response. */
  response(httpStatus: number | null): ResponseInfo;
}

/**
 * The decoder of every dialect that streams: one response as JSON events, until [DONE], an error or the body's end.
 * Nothing behind [DONE] is read, whether it came with it or later. A response is whole with a finish reason, or with as
 * many tokens as planned; [DONE] alone does not make it whole. A reason that text follows was no end: some servers have
 * one in every event, and there it takes [DONE], the planned tokens, another reason, or a last event without text.
 */
export class EventStream implements Decoder {
  readonly #plannedTokens: number;
  readonly #handler: EventHandler;
  readonly #sse: SseReader;
  /** Of the reader, whether what was read so far ended with an event. */
  #isBetweenEvents = false;
  #error: StreamError | null = null;
  #isDone = false;
  #isBodyOver = false;
  /** What finished the response, unless text follows it; null: it is not finished. */
  #sign: string | null = null;
  /** Signs that text has followed: they finish nothing in this response. */
  readonly #noEnds = new Set<string>();
  #finalEvents = 0;
  #texts = 0;
  #reasons = 0;
  /** Whether the last event with a reason had no text, and none followed. */
  #endsWithReason = false;
  /** What the last event said that is no part of the response: the reason, perhaps, why it then breaks off. */
  #aside = '';
  /** The last one in words. */
  #remark = '';

  constructor(plannedTokens: number, handler: EventHandler) {
    this.#plannedTokens = plannedTokens;
    this.#handler = handler;
    this.#sse = new SseReader((data, name) => this.#event(data, name));
  }

  get error(): StreamError | null {
    return this.#error;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get finalEvents(): number {
    return this.#sign === null ? 0 : this.#finalEvents;
  }

  push(chunk: Uint8Array): void {
    this.pushPart(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), 0, chunk.length);
  }

  pushPart(bytes: Buffer, from: number, to: number): void {
    const at = this.#isBetweenEvents ? this.#countFramed(bytes, from, to) : from;
    if (at === to) return;
    this.#sse.push(bytes.subarray(at, to));
    this.#isBetweenEvents = this.#sse.isBetweenEvents;
  }

  /** Counts the events at the front that have a known form, where nothing but their data is framed. */
  #countFramed(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to && !this.#isDone && this.#error === null) {
      const data = startOfData(bytes, at);
      const end = data < 0 ? -1 : this.#handler.match(bytes, data, to);
      const behind = end < 0 ? -1 : endOfEvent(bytes, end, to);
      if (behind < 0) break;
      this.#handler.countMatched();
      this.#judgeEnd();
      at = behind;
    }
    return at;
  }

  end(): StreamError | null {
    this.#isBodyOver = true;
    this.#sse.end();
    return this.#error ?? (this.#isWhole() ? null : this.#endedEarly());
  }

  response(httpStatus: number | null): ResponseInfo {
    return this.#handler.response(httpStatus);
  }

  #event(data: string, name: string): void {
    if (this.#isDone || this.#error !== null) return;
    if (isEndMark(data)) this.#isDone = true;
    else if (ERROR_NAME.test(name)) this.#error = streamBroken(errorMessageOf(data));
    else if (this.#handler.countUnparsed(data) || this.#parse(data, name)) this.#judgeEnd();
  }

  /** Whether the response is finished with the event that was just read. */
  #judgeEnd(): void {
    const { texts, reasons, finishReason } = this.#handler;
    const hasText = texts > this.#texts;
    const hasReason = reasons > this.#reasons;
    this.#texts = texts;
    this.#reasons = reasons;
    if (hasText && this.#sign !== null) {
      this.#noEnds.add(this.#sign);
      this.#sign = null;
    }
    if (hasText || hasReason) this.#endsWithReason = hasReason && !hasText;
    const sign = hasReason ? finishReason : this.#hasAsMuchAsPlanned(hasText) ? PLAN : null;
    if (sign !== null && !this.#noEnds.has(sign)) this.#sign ??= sign;
    if (this.#sign !== null) this.#finalEvents++;
  }

  /** By what has come, or by a usage that comes behind it. */
  #hasAsMuchAsPlanned(hasText: boolean): boolean {
    if (this.#handler.countedTokens >= this.#plannedTokens) return true;
    return !hasText && this.#texts > 0 && this.#sign === null && this.#isCountedWhole();
  }

  /** The server's own count makes a response whole, unless it is one that cannot be. */
  #isCountedWhole(): boolean {
    return this.response(null).outputTokens === this.#plannedTokens;
  }

  /** Reads an event with whatever it holds; false if it is no part of the response. */
  #parse(data: string, name: string): boolean {
    if (data.trim() === '') return false; // keeps the connection open
    // Events with a name of their own are annotations (Dynamo) and keep-alives, unless they hold an answer or an error.
    const isAnnotated = name !== '' && name !== 'message';
    let event: unknown;
    try {
      event = parseJson(data);
      if (isAnnotated && !(isObject(event) && (hasAnswer(event) || 'error' in event))) return false;
    } catch (thrown) {
      if (!isAnnotated) this.#unreadable(`an event is not JSON (${messageOf(thrown)}): ${bounded(data)}`);
      return false;
    }
    if (isErrorEvent(event)) this.#error = streamBroken(errorIn(event), statusIn(event));
    else if (!isObject(event)) this.#unreadable(`an event is not an object: ${bounded(data)}`);
    else {
      this.#aside = remarkOf(event) ?? this.#aside;
      if (!hasAnswer(event)) {
        this.#remark = reasonOf(event) ?? this.#remark;
        return false;
      }
      const error = this.#handler.read(event, data);
      if (error === null) return true;
      if (error.outcome === 'protocol_error') this.#unreadable(error.message);
      else this.#error = error;
    }
    return false;
  }

  /** Behind a whole response it is an end mark of the server's own. */
  #unreadable(what: string): void {
    if (this.#isBodyOver) return; // the last event of a body that broke off may be half an event: `end` reports that
    if (this.#isWhole()) this.#isDone = true;
    else this.#error = protocolError(what);
  }

  #isWhole(): boolean {
    const { countedTokens, finishReason } = this.#handler;
    if (this.#sign !== null || countedTokens >= this.#plannedTokens) return true;
    if (finishReason !== null && (this.#isDone || this.#endsWithReason)) return true;
    return this.#isCountedWhole();
  }

  #endedEarly(): StreamError {
    const { countedTokens } = this.#handler;
    // Lines of no event: a page or an error in place of a stream.
    const { stray } = this.#sse;
    if (countedTokens === 0 && stray !== '' && this.#aside === '')
      return protocolError(`the response is no stream of events: ${errorMessageOf(stray)}`);
    const texts = [this.#aside, stray === '' ? '' : errorMessageOf(stray)];
    const said = texts.filter((text) => text !== '').map((text) => `: ${text}`);
    const [how, missing] = this.#isDone ? [' by [DONE]', 'a finish_reason'] : ['', 'finish_reason or [DONE]'];
    const ended = streamBroken(
      `the stream ended${how} after ${countedTokens} of ${this.#plannedTokens} tokens, without ${missing}${said.join('')}`,
    );
    return this.#remark === '' ? ended : { ...ended, remark: this.#remark };
  }
}

/** The error of a response that began well and was cut off, by the server or on the way. */
export function streamBroken(message: string, status: number | null = null): StreamError {
  return { outcome: 'stream_broken', message, ...(status === null ? {} : { status }) };
}

/** The error of bytes that are of another protocol. */
export const protocolError = (message: string): StreamError => ({ outcome: 'protocol_error', message });
