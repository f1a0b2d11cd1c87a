import type { Decoder, StreamFault, TokenOut } from '../src/core/codec.ts';
import { messageOf } from '../src/core/errors.ts';
import type { TokenCountSource } from '../src/core/record.ts';
import type { Answer } from '../src/core/target.ts';
import { isObject, numberAt, textAt } from './json.ts';
import { refusalText } from './refusal.ts';
import { SseReader } from './sse.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a choice of a chunk carries: its text, `''` if that is empty, or null if it is surely no token (a role). */
export interface Carried {
  readonly text: string | null;
  readonly isReasoning: boolean;
}

/**
 * One streamed answer of an OpenAI-shaped server, completions and chat alike; `carried` reads what differs.
 *
 * Tokens of an event are counted by its token ids, else by the growth of its cumulative usage where the stream has
 * that from its first event on, else as one where it carries text. An event with empty text may or may not be a token,
 * and is reported as count 0 until the final usage settles it: vLLM sends tokens with `text: ""`, others an empty last
 * chunk.
 */
export class AnswerDecoder implements Decoder {
  readonly #planned: number;
  readonly #out: TokenOut;
  readonly #carried: (choice: Json) => Carried;
  readonly #sse: SseReader;
  #fault: StreamFault | null = null;
  #finishReason: string | null = null;
  #usage: unknown = null;
  #events = 0;
  #counted = 0;
  #reasoning = 0;
  #source: TokenCountSource | null = null;
  #done = false;

  /** `planned`: the tokens that were asked for. */
  constructor(planned: number, out: TokenOut, carried: (choice: Json) => Carried) {
    this.#planned = planned;
    this.#out = out;
    this.#carried = carried;
    this.#sse = new SseReader((data, event) => this.#event(data, event));
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
    return broken(
      `the stream ended after ${this.#counted} of ${this.#planned} tokens, without finish_reason or [DONE]`,
    );
  }

  answer(httpStatus: number): Answer {
    const usage = this.#usage;
    const prompt = isObject(usage) ? usage['prompt_tokens_details'] : null;
    const completion = isObject(usage) ? usage['completion_tokens_details'] : null;
    return {
      httpStatus,
      finishReason: this.#finishReason,
      inputTokens: numberAt(usage, 'prompt_tokens'),
      cachedTokens: numberAt(prompt, 'cached_tokens'),
      outputTokens: numberAt(usage, 'completion_tokens'),
      reasoningTokens: numberAt(completion, 'reasoning_tokens') ?? (this.#reasoning > 0 ? this.#reasoning : null),
      countSource: this.#source,
      phases: null,
    };
  }

  #event(data: string, event: string): void {
    if (this.#done || this.#fault !== null) return;
    if (data === '[DONE]') {
      this.#done = true;
      return;
    }
    // Named events are annotations (Dynamo), except errors.
    if (event !== '' && event !== 'message' && event !== 'error') return;
    let chunk: unknown;
    try {
      chunk = JSON.parse(data);
    } catch (thrown) {
      this.#fault = foreign(`an event is not JSON (${messageOf(thrown)}): ${data.slice(0, 120)}`);
      return;
    }
    if (!isObject(chunk)) this.#fault = foreign(`an event is not a completion chunk: ${data.slice(0, 120)}`);
    else if (event === 'error' || (chunk['error'] ?? null) !== null) this.#fault = broken(refusalText(data));
    else this.#chunk(chunk);
  }

  #chunk(chunk: Json): void {
    const usage = chunk['usage'] ?? null;
    const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : undefined;
    if (isObject(choice)) {
      this.#finishReason = textAt(choice, 'finish_reason') ?? this.#finishReason;
      this.#count(choice, numberAt(usage, 'completion_tokens'));
      this.#events++;
    }
    if (usage !== null) this.#usage = usage;
  }

  #count(choice: Json, cumulative: number | null): void {
    const ids = choice['token_ids'];
    const { text, isReasoning } = this.#carried(choice);
    const before = this.#counted;
    if (Array.isArray(ids)) {
      this.#source = 'token_ids';
      this.#add(ids.length);
    } else if (cumulative !== null && (this.#events === 0 || this.#source === 'usage')) {
      this.#source = 'usage';
      this.#add(cumulative - this.#counted);
    } else if (this.#source !== 'token_ids' && text !== null) {
      // A stream that counts by usage and leaves it out once: what it says next makes up for it.
      this.#source ??= 'chunks';
      if (text !== '') this.#add(1);
      else if (this.#source === 'chunks') this.#out.tokens(0);
    }
    if (isReasoning) this.#reasoning += this.#counted - before;
  }

  #add(tokens: number): void {
    if (tokens <= 0) return;
    this.#counted += tokens;
    this.#out.tokens(tokens);
  }
}

const broken = (message: string): StreamFault => ({ outcome: 'stream_broken', message });
const foreign = (message: string): StreamFault => ({ outcome: 'protocol_error', message });
