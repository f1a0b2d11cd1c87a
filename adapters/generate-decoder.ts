import type { Decoder, StreamFault, TokenOut } from '../src/core/codec.ts';
import type { TokenCountSource } from '../src/core/record.ts';
import type { Answer } from '../src/core/target.ts';
import { broken, endedEarly, foreign, notJson } from './faults.ts';
import { isObject, numberAt, textAt } from './json.ts';
import { phasesOf } from './phases.ts';
import { refusalText } from './refusal.ts';
import { SseReader } from './sse.ts';

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
  readonly #sse: SseReader;
  #fault: StreamFault | null = null;
  #finishReason: string | null = null;
  #meta: unknown = null;
  #counted = 0;
  #source: TokenCountSource | null = null;
  #done = false;

  /** `planned`: the tokens that were asked for. */
  constructor(planned: number, out: TokenOut) {
    this.#planned = planned;
    this.#out = out;
    this.#sse = new SseReader((data) => this.#event(data));
  }

  get fault(): StreamFault | null {
    return this.#fault;
  }

  push(chunk: Uint8Array): void {
    this.#sse.push(chunk);
  }

  end(): StreamFault | null {
    this.#sse.end();
    if (this.#fault !== null) return this.#fault;
    if (this.#done || this.#finishReason !== null || this.#counted >= this.#planned) return null;
    return endedEarly(this.#counted, this.#planned);
  }

  answer(httpStatus: number): Answer {
    const meta = this.#meta;
    return {
      httpStatus,
      finishReason: this.#finishReason,
      inputTokens: numberAt(meta, 'prompt_tokens'),
      cachedTokens: numberAt(meta, 'cached_tokens'),
      outputTokens: this.#source === 'usage' ? this.#counted : null,
      reasoningTokens: numberAt(meta, 'reasoning_tokens'),
      countSource: this.#source,
      phases: isObject(meta) ? phasesOf(meta['phases']) : null,
    };
  }

  #event(data: string): void {
    if (this.#done || this.#fault !== null) return;
    if (data === '[DONE]') {
      this.#done = true;
      return;
    }
    const count = this.#meta === null ? null : countOfUnfinished(data);
    if (count === null) this.#parse(data);
    else this.#grow(count);
  }

  #parse(data: string): void {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch (thrown) {
      this.#fault = notJson(thrown, data);
      return;
    }
    if (isObject(event) && (event['error'] ?? null) !== null) {
      this.#fault = broken(refusalText(data));
      return;
    }
    const meta = isObject(event) ? event['meta_info'] : null;
    if (!isObject(event) || !isObject(meta)) {
      this.#fault = foreign(`an event is not one of /generate: ${data.slice(0, 120)}`);
      return;
    }
    this.#meta = meta;
    const count = numberAt(meta, 'completion_tokens');
    if (count !== null) this.#grow(count);
    else if (textAt(event, 'text') !== '') this.#one();
    this.#finish(meta['finish_reason']);
  }

  #finish(reason: unknown): void {
    const type = typeof reason === 'string' ? reason : textAt(reason, 'type');
    this.#finishReason = type ?? this.#finishReason;
    if (type === 'abort')
      this.#fault = broken(`the server aborted the request: ${textAt(reason, 'message') ?? 'it does not say why'}`);
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
  return at === start || (next !== COMMA && next !== BRACE) ? null : count;
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
