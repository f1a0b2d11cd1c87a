import type { StreamError } from '../src/core/codec.ts';
import { broken, endedEarly, foreign, notJson } from './stream-errors.ts';
import { isObject, textAt, type Json } from './json.ts';
import { errorMessageOf } from './error-body.ts';
import { SseReader } from './sse.ts';

/** What a dialect makes of the events of one answer. */
export interface EventHandler {
  /** Whether an event is like those before, so that it was read without being parsed. */
  known(data: string): boolean;
  /** Reads an event; a fault ends the answer. */
  read(event: Json, data: string): StreamError | null;
}

/** One answer as a stream of events that are JSON each, until [DONE], an error or the end of the body. */
export class EventStream {
  readonly #handler: EventHandler;
  readonly #sse: SseReader;
  #fault: StreamError | null = null;
  #isDone = false;
  #isOver = false;

  constructor(handler: EventHandler) {
    this.#handler = handler;
    this.#sse = new SseReader((data, name) => this.#event(data, name));
  }

  get fault(): StreamError | null {
    return this.#fault;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  push(chunk: Uint8Array): void {
    this.#sse.push(chunk);
  }

  /** The body is over: reads what is left of it. */
  end(): void {
    this.#isOver = true;
    this.#sse.end();
  }

  /** What is wrong with a body that ended after so many tokens; `isFinished`: it said why it ends. */
  faultAtEnd(counted: number, planned: number, isFinished: boolean): StreamError | null {
    if (this.#fault !== null) return this.#fault;
    return this.#isDone || isFinished || counted >= planned ? null : endedEarly(counted, planned, this.#sse.stray);
  }

  #event(data: string, name: string): void {
    if (this.#isDone || this.#fault !== null) return;
    const isError = name === 'error';
    // Named events are annotations (Dynamo), those without data are there to keep the connection open.
    if (data === '' || (name !== '' && name !== 'message' && !isError)) return;
    if (data.startsWith('[DONE]')) this.#isDone = true;
    else if (isError) this.#fault = broken(errorMessageOf(data));
    else if (!this.#handler.known(data)) this.#fault = this.#parse(data);
  }

  #parse(data: string): StreamError | null {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch (thrown) {
      return this.#isOver ? null : notJson(thrown, data); // what is left may be half an event
    }
    if (!isObject(event)) return foreign(`an event is not an object: ${data.slice(0, 120)}`);
    return isErrorBody(event) ? broken(errorMessageOf(data)) : this.#handler.read(event, data);
  }
}

/** As refusals are: `error`, or a message where an answer would be. */
function isErrorBody(event: Json): boolean {
  return Boolean(event['error']) || (!('choices' in event) && textAt(event, 'message') !== null);
}
