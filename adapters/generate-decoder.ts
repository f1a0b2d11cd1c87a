import type { Decoder, StreamError, TokenOut } from '../src/core/codec.ts';
import type { TokenCountSource } from '../src/core/record.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { EventStream } from './event-stream.ts';
import { broken, foreign } from './stream-errors.ts';
import { isObject, MOST_TOKENS, textAt, tokensAt, type Json } from './json.ts';
import { phasesOf } from './phases.ts';

const COUNT = '"completion_tokens":';
const FINISH = '"finish_reason":';

/**
 * One streamed answer of SGLang's `/generate`. Its events carry all of the text so far (or, with a flag of the server,
 * what is new) and then `meta_info` with the count of tokens so far: new tokens are the growth of that count, which is
 * looked for from the end, so that a long answer is not parsed anew with each of its tokens.
 */
export class GenerateDecoder implements Decoder {
  readonly #planned: number;
  readonly #out: TokenOut;
  readonly #events: EventStream;
  #finishReason: string | null = null;
  #meta: unknown = null;
  #counted = 0;
  #source: TokenCountSource | null = null;

  /** `planned`: the tokens that were asked for. */
  constructor(planned: number, out: TokenOut) {
    this.#planned = planned;
    this.#out = out;
    this.#events = new EventStream({
      known: (data) => this.#known(data),
      read: (event, data) => this.#read(event, data),
    });
  }

  get error(): StreamError | null {
    return this.#events.fault;
  }

  get isDone(): boolean {
    return this.#events.isDone;
  }

  push(chunk: Uint8Array): void {
    this.#events.push(chunk);
  }

  end(): StreamError | null {
    this.#events.end();
    return this.#events.faultAtEnd(this.#counted, this.#planned, this.#finishReason !== null);
  }

  response(httpStatus: number | null): ResponseInfo {
    const meta = this.#meta;
    return {
      httpStatus,
      finishReason: this.#finishReason,
      inputTokens: tokensAt(meta, 'prompt_tokens'),
      cachedTokens: tokensAt(meta, 'cached_tokens'),
      outputTokens: this.#source === 'usage' ? this.#counted : null,
      reasoningTokens: tokensAt(meta, 'reasoning_tokens'),
      countSource: this.#source,
      phases: isObject(meta) ? phasesOf(meta['phases']) : null,
    };
  }

  /** Counts an event that is not the first nor the last without parsing it. */
  #known(data: string): boolean {
    const count = this.#meta === null ? null : countOfUnfinished(data);
    if (count === null) return false;
    this.#grow(count);
    return true;
  }

  #read(event: Json, data: string): StreamError | null {
    const meta = event['meta_info'];
    if (!isObject(meta)) return foreign(`an event is not one of /generate: ${data.slice(0, 120)}`);
    this.#meta = meta;
    const count = tokensAt(meta, 'completion_tokens');
    if (count !== null) this.#grow(count);
    else if (textAt(event, 'text') !== '') this.#one();
    return this.#finish(meta['finish_reason']);
  }

  #finish(reason: unknown): StreamError | null {
    const type = typeof reason === 'string' ? reason : textAt(reason, 'type');
    this.#finishReason = type ?? this.#finishReason;
    if (type !== 'abort') return null;
    return broken(`the server aborted the request: ${textAt(reason, 'message') ?? 'it does not say why'}`);
  }

  #grow(total: number): void {
    this.#source = 'usage';
    if (total <= this.#counted) return;
    this.#out.tokens(total - this.#counted);
    this.#counted = total;
  }

  /** A server that does not count: an event is a token. */
  #one(): void {
    this.#source = 'chunks';
    this.#counted++;
    this.#out.tokens(1);
  }
}

/**
 * `completion_tokens` of an event whose `finish_reason` is null; null where the event must be parsed to know. Quotes
 * inside of JSON strings are escaped, so that neither key can be found in the text of an answer.
 */
function countOfUnfinished(data: string): number | null {
  const finish = data.lastIndexOf(FINISH);
  if (finish < 0 || data.charCodeAt(data.length - 1) !== BRACE) return null;
  if (data.charCodeAt(skipSpaces(data, finish + FINISH.length)) !== LETTER_N) return null;
  const found = data.lastIndexOf(COUNT);
  if (found < 0) return null;
  let at = skipSpaces(data, found + COUNT.length);
  const start = at;
  let count = 0;
  for (; ; at++) {
    const digit = data.charCodeAt(at) - DIGIT_0;
    if (!(digit >= 0 && digit <= 9)) break;
    count = count * 10 + digit;
  }
  const next = data.charCodeAt(at);
  return at === start || count > MOST_TOKENS || (next !== COMMA && next !== BRACE) ? null : count;
}

const LETTER_N = 110;
const DIGIT_0 = 48;
const COMMA = 44;
const BRACE = 125;
const SPACE = 32;

function skipSpaces(data: string, from: number): number {
  let at = from;
  while (data.charCodeAt(at) === SPACE) at++;
  return at;
}
