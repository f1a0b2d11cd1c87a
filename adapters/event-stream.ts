import { z } from 'zod';
import type { Decoder, StreamError } from '../src/core/codec.ts';
import { messageOf } from '../src/core/errors.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { isObject, textAt, type Json } from './json.ts';
import { SseReader } from './sse.ts';

/** How a dialect reads the JSON events of one response: it counts their tokens and keeps what else they hold. */
export interface EventHandler {
  /** Counts an event that has the form of earlier ones, without parsing it; false for an event that must be parsed. */
  countUnparsed(data: string): boolean;
  /** Reads a parsed event; an error ends the response. */
  read(event: Json, data: string): StreamError | null;
  /** Tokens counted so far. */
  readonly countedTokens: number;
  readonly finishReason: string | null;
  /** What the events so far hold about the response. */
  response(httpStatus: number | null): ResponseInfo;
}

/** The decoder of every dialect that streams: one response as JSON events, until [DONE], an error or the body's end. */
export class EventStream implements Decoder {
  readonly #plannedTokens: number;
  readonly #handler: EventHandler;
  readonly #sse: SseReader;
  #error: StreamError | null = null;
  #isDone = false;
  #isBodyOver = false;

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

  push(chunk: Uint8Array): void {
    this.#sse.push(chunk);
  }

  end(): StreamError | null {
    this.#isBodyOver = true;
    this.#sse.end();
    if (this.#error !== null) return this.#error;
    const { countedTokens, finishReason } = this.#handler;
    const isWhole = this.#isDone || finishReason !== null || countedTokens >= this.#plannedTokens;
    return isWhole ? null : endedEarly(countedTokens, this.#plannedTokens, this.#sse.stray);
  }

  response(httpStatus: number | null): ResponseInfo {
    return this.#handler.response(httpStatus);
  }

  #event(data: string, name: string): void {
    if (this.#isDone || this.#error !== null) return;
    const isError = name === 'error';
    // Named events are annotations (Dynamo), those without data are there to keep the connection open.
    if (data === '' || (name !== '' && name !== 'message' && !isError)) return;
    if (data.startsWith('[DONE]')) this.#isDone = true;
    else if (isError) this.#error = streamBroken(errorMessageOf(data));
    else if (!this.#handler.countUnparsed(data)) this.#error = this.#parse(data);
  }

  #parse(data: string): StreamError | null {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch (thrown) {
      // The last event of a body that broke off may be half an event: that is for `end` to report.
      return this.#isBodyOver
        ? null
        : protocolError(`an event is not JSON (${messageOf(thrown)}): ${data.slice(0, 120)}`);
    }
    if (!isObject(event)) return protocolError(`an event is not an object: ${data.slice(0, 120)}`);
    return isErrorEvent(event) ? streamBroken(errorMessageOf(data)) : this.#handler.read(event, data);
  }
}

/** The form of error bodies: `error`, or a message in place of the choices. */
function isErrorEvent(event: Json): boolean {
  return Boolean(event['error']) || (!('choices' in event) && textAt(event, 'message') !== null);
}

/** The error of a response that began well and was cut off, by the server or on the way. */
export const streamBroken = (message: string): StreamError => ({ outcome: 'stream_broken', message });

/** The error of bytes that are of another protocol. */
export const protocolError = (message: string): StreamError => ({ outcome: 'protocol_error', message });

/** `stray`: lines of the body that belong to no event: a page or an error in place of a stream. */
function endedEarly(counted: number, planned: number, stray: string): StreamError {
  if (counted === 0 && stray !== '')
    return protocolError(`the response is no stream of events: ${errorMessageOf(stray)}`);
  const why = stray === '' ? '' : `: ${errorMessageOf(stray)}`;
  return streamBroken(`the stream ended after ${counted} of ${planned} tokens, without finish_reason or [DONE]${why}`);
}

const MAX_MESSAGE_LENGTH = 300;

const errorSchema = z.union([z.string(), z.looseObject({ message: z.string() })]);
const errorBodySchema = z.looseObject({
  error: errorSchema.optional(),
  message: z.string().optional(),
  detail: z.unknown().optional(),
});

/**
 * One line out of an error body: `error.message` (OpenAI, vLLM), `error` or `message` (Dynamo), `detail`
 * (FastAPI), else the text itself.
 */
export function errorMessageOf(body: string): string {
  const line = (messageIn(body) ?? body).replaceAll(/\s+/g, ' ').trim();
  if (line === '') return 'no message';
  return line.length > MAX_MESSAGE_LENGTH ? `${line.slice(0, MAX_MESSAGE_LENGTH)}...` : line;
}

function messageIn(body: string): string | null {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return null;
  }
  const parsed = errorBodySchema.safeParse(json);
  if (!parsed.success) return null;
  const { error, message, detail } = parsed.data;
  if (error !== undefined) return typeof error === 'string' ? error : error.message;
  if (message !== undefined) return message;
  return detail === undefined ? null : typeof detail === 'string' ? detail : JSON.stringify(detail);
}
