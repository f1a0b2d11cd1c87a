import type { Decoder, StreamError, TokenOut } from '../src/core/codec.ts';
import type { Phases, TokenCountSource } from '../src/core/record.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { EventShape } from './event-shape.ts';
import { EventStream } from './event-stream.ts';
import { broken } from './stream-errors.ts';
import { isObject, textAt, tokensAt, type Json } from './json.ts';
import { phasesOf } from './phases.ts';

/** Events of other shapes than the one before, in a row, after which no more shapes are learnt. */
const MOST_SHAPES = 8;

/** Reasons to finish that are none: the answer is not what was asked for. */
const GIVEN_UP: ReadonlySet<string> = new Set(['abort', 'error']);

/** What a choice of a chunk carries: its text, `''` if that is empty, or null if it is surely no token (a role). */
export interface Carried {
  readonly text: string | null;
  readonly isReasoning: boolean;
}

/**
 * One streamed answer of an OpenAI-shaped server, completions and chat alike; `carried` reads what differs.
 *
 * Tokens of an event are counted by its token ids, else by the growth of its cumulative usage where the stream has
 * that from its first token on, else as one where it carries text. An event with empty text may or may not be a token,
 * and is reported as count 0 until the final usage settles it: vLLM sends tokens with `text: ""`, others an empty last
 * chunk. A count of nothing beside a text is none: some servers send zeros until the end.
 */
export class OpenAiStreamDecoder implements Decoder {
  readonly #planned: number;
  readonly #out: TokenOut;
  readonly #carried: (choice: Json) => Carried;
  readonly #events: EventStream;
  #finishReason: string | null = null;
  #usage: unknown = null;
  /** `completion_tokens` of the last usage. */
  #said: number | null = null;
  #cachedDetails: unknown = null;
  #phases: Phases | null = null;
  #shape: EventShape | null = null;
  /** What an event of this shape carries when its text is empty. */
  #empty: Carried = NO_TEXT;
  #shapesInVain = 0;
  #counted = 0;
  #reasoning = 0;
  #source: TokenCountSource | null = null;

  /** `planned`: the tokens that were asked for. */
  constructor(planned: number, out: TokenOut, carried: (choice: Json) => Carried) {
    this.#planned = planned;
    this.#out = out;
    this.#carried = carried;
    this.#events = new EventStream({
      known: (data) => this.#known(data),
      read: (chunk, data) => this.#chunk(chunk, data),
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
    const usage = this.#usage;
    const prompt = isObject(usage) ? usage['prompt_tokens_details'] : null;
    const completion = isObject(usage) ? usage['completion_tokens_details'] : null;
    return {
      httpStatus,
      finishReason: this.#finishReason,
      inputTokens: tokensAt(usage, 'prompt_tokens'),
      cachedTokens:
        tokensAt(prompt, 'cached_tokens') ?? tokensAt(usage, 'prompt_cache_hit_tokens') ?? sum(this.#cachedDetails),
      outputTokens: this.#said,
      reasoningTokens: tokensAt(completion, 'reasoning_tokens') ?? (this.#reasoning > 0 ? this.#reasoning : null),
      countSource: this.#source,
      phases: this.#phases,
    };
  }

  #chunk(chunk: Json, data: string): StreamError | null {
    const usage = chunk['usage'] ?? null;
    const said = tokensAt(usage, 'completion_tokens');
    if (usage !== null) this.#usage = usage;
    this.#cachedDetails = detailsOf(chunk) ?? this.#cachedDetails;
    this.#phases = phasesOf(chunk['phases']) ?? this.#phases;
    const choice = choiceOf(chunk);
    const fault = choice === null ? null : this.#choice(choice, said, data);
    this.#said = said ?? this.#said;
    return fault;
  }

  #choice(choice: Json, said: number | null, data: string): StreamError | null {
    // Some say '' until there is a reason.
    const reason = textAt(choice, 'finish_reason') || null;
    const ids = Array.isArray(choice['token_ids']) ? choice['token_ids'].length : null;
    const carried = this.#carried(choice);
    this.#finishReason = reason ?? this.#finishReason;
    this.#count(carried, ids, said);
    if (reason === null && carried.text !== null && !carried.isReasoning) this.#learn(data, carried.text, ids, said);
    const isGivenUp = reason !== null && GIVEN_UP.has(reason);
    return isGivenUp ? broken(`the server aborted the request (finish_reason ${reason})`) : null;
  }

  /** Counts an event of the shape of those before, without parsing it. */
  #known(data: string): boolean {
    const shape = this.#shape;
    if (shape === null || !shape.read(data)) return false;
    this.#shapesInVain = 0;
    this.#count(shape.isEmpty ? this.#empty : SOME_TEXT, shape.ids, shape.count);
    this.#said = shape.count ?? this.#said;
    return true;
  }

  #learn(data: string, text: string, ids: number | null, said: number | null): void {
    if (text === '' || this.#shapesInVain >= MOST_SHAPES) return;
    this.#shapesInVain++;
    const shape = EventShape.of(data);
    // Only if it reads this very event as it was read before.
    if (shape?.read(data) !== true || shape.text(data) !== text || shape.ids !== ids || shape.count !== said) return;
    const empty: unknown = JSON.parse(shape.empty());
    const choice = isObject(empty) ? choiceOf(empty) : null;
    if (choice === null) return;
    this.#shape = shape;
    this.#empty = this.#carried(choice);
  }

  #count({ text, isReasoning }: Carried, ids: number | null, cumulative: number | null): void {
    const before = this.#counted;
    const hasText = text !== null && text !== '';
    if (hasText && before === 0 && (ids ?? cumulative) === 0) this.#source = 'chunks';
    if (ids !== null && (ids > 0 || this.#source !== 'chunks')) {
      this.#source = 'token_ids';
      this.#add(ids);
    } else if (cumulative !== null && (this.#source === null || this.#source === 'usage')) {
      this.#source = 'usage';
      this.#add(cumulative - before);
    } else if (hasText && this.#source !== 'token_ids') {
      // A stream that counts by usage and leaves it out once: what it says next makes up for it.
      this.#source ??= 'chunks';
      this.#add(1);
    } else if ((this.#source === null && text !== null) || this.#source === 'chunks') this.#out.tokens(0);
    if (isReasoning) this.#reasoning += this.#counted - before;
  }

  #add(tokens: number): void {
    if (tokens <= 0) return;
    this.#counted += tokens;
    this.#out.tokens(tokens);
  }
}

const SOME_TEXT: Carried = { text: 'some', isReasoning: false };
const NO_TEXT: Carried = { text: '', isReasoning: false };

function choiceOf(chunk: Json): Json | null {
  const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : null;
  return isObject(choice) ? choice : null;
}

/** Where SGLang says which cache had how much of the prompt. */
function detailsOf(chunk: Json): unknown {
  const extension = chunk['sglext'];
  return isObject(extension) ? extension['cached_tokens_details'] : null;
}

function sum(details: unknown): number | null {
  if (!isObject(details)) return null;
  return Object.keys(details).reduce((total, key) => total + (tokensAt(details, key) ?? 0), 0);
}
