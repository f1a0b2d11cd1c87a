import type { ServerResponse } from 'node:http';
import { machineUs } from '../../core/wall-clock.ts';
import type { Completion, Listener } from '../engine.ts';
import { sendError } from './api-error.ts';
import type { AnswerText } from './answer-text.ts';

/** Gets when each token of a request was written, once, when the answer has ended or the client has gone. */
export type KeepTruth = (emittedUs: readonly number[]) => void;

/** One answer as server-sent events: one write for the tokens of one iteration. */
export class AnswerStream implements Listener {
  readonly #res: ServerResponse;
  readonly #text: AnswerText;
  readonly #maxTokens: number;
  readonly #keepTruth: KeepTruth;
  readonly #emittedUs: number[] = [];

  constructor(res: ServerResponse, text: AnswerText, maxTokens: number, keepTruth: KeepTruth) {
    this.#res = res;
    this.#text = text;
    this.#maxTokens = maxTokens;
    this.#keepTruth = keepTruth;
  }

  /** The request was taken: headers leave at once, as from vLLM, long before the first token. */
  begin(): void {
    this.#res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
    this.#res.flushHeaders();
  }

  tokens(_timeUs: number, count: number): void {
    const total = this.#emittedUs.length + count;
    const events = this.#text.tokens(count, total, total === this.#maxTokens);
    const { socket, chunkedEncoding } = this.#res;
    if (socket === null || !chunkedEncoding) {
      this.#stamp(count);
      this.#res.write(events);
      return;
    }
    // The chunk in one write: Node's own takes four, held back until every stream of this iteration has been written to.
    const chunk = `${Buffer.byteLength(events).toString(16)}\r\n${events}\r\n`;
    this.#stamp(count);
    socket.write(chunk);
  }

  #stamp(count: number): void {
    const nowUs = machineUs();
    for (let i = 0; i < count; i++) this.#emittedUs.push(nowUs);
  }

  end(_timeUs: number, completion: Completion): void {
    this.#keepTruth(this.#emittedUs);
    this.#res.end(this.#text.ending(this.#emittedUs.length, completion));
  }

  reject(status: number, message: string): void {
    sendError(this.#res, status, message);
  }

  abandon(): void {
    this.#keepTruth(this.#emittedUs);
  }
}

/** One answer in one piece, when its last token is there: that is when all of them are emitted. */
export class AnswerReply implements Listener {
  readonly #res: ServerResponse;
  readonly #text: AnswerText;
  readonly #keepTruth: KeepTruth;
  #tokens = 0;

  constructor(res: ServerResponse, text: AnswerText, keepTruth: KeepTruth) {
    this.#res = res;
    this.#text = text;
    this.#keepTruth = keepTruth;
  }

  begin(): void {}

  tokens(_timeUs: number, count: number): void {
    this.#tokens += count;
  }

  end(_timeUs: number, completion: Completion): void {
    const body = this.#text.whole(this.#tokens, completion);
    this.#res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    this.#keepTruth(Array<number>(this.#tokens).fill(machineUs()));
    this.#res.end(body);
  }

  reject(status: number, message: string): void {
    sendError(this.#res, status, message);
  }

  abandon(): void {
    this.#keepTruth([]);
  }
}
