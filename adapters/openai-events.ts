import type { StreamError, TokenOut } from '../src/core/codec.ts';
import type { Phases, TokenCountSource } from '../src/core/record.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { bounded, isGivenUp, reasonOf } from './error-shape.ts';
import { EventShape } from './event-shape.ts';
import { streamBroken, type EventHandler } from './event-stream.ts';
import { isObject, phasesOf, textAt, tokensAt, type Json } from './json.ts';

/** Events of other shapes than the one before, in a row, after which no more shapes are learnt. */
const MAX_NEW_SHAPES = 8;

/** What one choice of an event carries. */
export interface ChoiceContent {
  /** `''` for an empty text, which may still be a token; null where there is surely no token (a role). */
  readonly text: string | null;
  readonly isReasoning: boolean;
}

const SOME_TEXT: ChoiceContent = { text: 'some', isReasoning: false };
const NO_TEXT: ChoiceContent = { text: '', isReasoning: false };

/**
 * The events of one response of an OpenAI-shaped server, completions and chat alike; `contentOf` reads the part in
 * which the two differ.
 *
 * Tokens of an event are counted by its token ids, else by the growth of its cumulative usage where the stream has
 * that from its first token on, else as one where it carries text. An event with empty text may or may not be a token,
 * and is reported as count 0 until the final usage settles it: vLLM sends tokens with `text: ""`, others an empty last
 * event. A count of zero beside a text is no count: some servers send zeros until the end.
 */
export class OpenAiEvents implements EventHandler {
  readonly #out: TokenOut;
  readonly #contentOf: (choice: Json) => ChoiceContent;
  #countedTokens = 0;
  #finishReason: string | null = null;
  #usage: unknown = null;
  /** `completion_tokens` of the last usage. */
  #usageTokens: number | null = null;
  #cachedDetails: unknown = null;
  #phases: Phases | null = null;
  #shape: EventShape | null = null;
  /** The content of an event of this shape whose text is empty. */
  #contentWithoutText: ChoiceContent = NO_TEXT;
  #newShapes = 0;
  #reasoningTokens = 0;
  #countSource: TokenCountSource | null = null;

  constructor(out: TokenOut, contentOf: (choice: Json) => ChoiceContent) {
    this.#out = out;
    this.#contentOf = contentOf;
  }

  get countedTokens(): number {
    return this.#countedTokens;
  }

  get finishReason(): string | null {
    return this.#finishReason;
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
      outputTokens: this.#usageTokens,
      reasoningTokens:
        tokensAt(completion, 'reasoning_tokens') ?? (this.#reasoningTokens > 0 ? this.#reasoningTokens : null),
      countSource: this.#countSource,
      phases: this.#phases,
    };
  }

  countUnparsed(data: string): boolean {
    const shape = this.#shape;
    if (shape === null || !shape.read(data)) return false;
    this.#newShapes = 0;
    this.#count(shape.isEmpty ? this.#contentWithoutText : SOME_TEXT, shape.ids, shape.count);
    this.#usageTokens = shape.count ?? this.#usageTokens;
    return true;
  }

  read(event: Json, data: string): StreamError | null {
    const usage = event['usage'] ?? null;
    const usageTokens = tokensAt(usage, 'completion_tokens');
    if (usage !== null) this.#usage = usage;
    this.#cachedDetails = cachedDetailsOf(event) ?? this.#cachedDetails;
    this.#phases = phasesOf(event['phases']) ?? this.#phases;
    const choice = choiceOf(event);
    const error = choice === null ? null : this.#readChoice(choice, usageTokens, data, event);
    this.#usageTokens = usageTokens ?? this.#usageTokens;
    return error;
  }

  #readChoice(choice: Json, usageTokens: number | null, data: string, event: Json): StreamError | null {
    // Some servers send '' until there is a reason.
    const reason = textAt(choice, 'finish_reason') || textAt(choice['finish_reason'], 'type') || null;
    const ids = Array.isArray(choice['token_ids']) ? choice['token_ids'].length : null;
    const content = this.#contentOf(choice);
    this.#finishReason = reason ?? this.#finishReason;
    this.#count(content, ids, usageTokens);
    if (reason === null && content.text !== null && !content.isReasoning)
      this.#learnShape(data, content.text, ids, usageTokens);
    if (reason === null || !isGivenUp(reason)) return null;
    const said = reasonOf(choice['finish_reason'], choice, event) ?? bounded(data);
    return streamBroken(`the server aborted the request (finish_reason ${reason}): ${said}`);
  }

  #learnShape(data: string, text: string, ids: number | null, usageTokens: number | null): void {
    if (text === '' || this.#newShapes >= MAX_NEW_SHAPES) return;
    this.#newShapes++;
    const shape = EventShape.of(data);
    // Only a shape that reads this very event as the parser did.
    const isRight = shape?.read(data) === true && shape.text(data) === text && shape.ids === ids;
    if (!isRight || shape.count !== usageTokens) return;
    const withoutText: unknown = JSON.parse(shape.empty());
    const choice = isObject(withoutText) ? choiceOf(withoutText) : null;
    if (choice === null) return;
    this.#shape = shape;
    this.#contentWithoutText = this.#contentOf(choice);
  }

  #count({ text, isReasoning }: ChoiceContent, ids: number | null, cumulative: number | null): void {
    const before = this.#countedTokens;
    const hasText = text !== null && text !== '';
    if (hasText && before === 0 && (ids ?? cumulative) === 0) this.#countSource = 'chunks';
    if (ids !== null && (ids > 0 || this.#countSource !== 'chunks')) {
      this.#countSource = 'token_ids';
      this.#add(ids);
    } else if (cumulative !== null && (this.#countSource === null || this.#countSource === 'usage')) {
      this.#countSource = 'usage';
      this.#add(cumulative - before);
    } else if (hasText && this.#countSource !== 'token_ids') {
      // A stream that counts by usage and leaves it out of one event: the next usage makes up for it.
      this.#countSource ??= 'chunks';
      this.#add(1);
    } else if ((this.#countSource === null && text !== null) || this.#countSource === 'chunks') this.#out.tokens(0);
    if (isReasoning) this.#reasoningTokens += this.#countedTokens - before;
  }

  #add(tokens: number): void {
    if (tokens <= 0) return;
    this.#countedTokens += tokens;
    this.#out.tokens(tokens);
  }
}

function choiceOf(event: Json): Json | null {
  const choice: unknown = Array.isArray(event['choices']) ? event['choices'][0] : null;
  return isObject(choice) ? choice : null;
}

/** SGLang's extension: how many tokens of the prompt each of its caches held. */
function cachedDetailsOf(event: Json): unknown {
  const extension = event['sglext'];
  return isObject(extension) ? extension['cached_tokens_details'] : null;
}

function sum(details: unknown): number | null {
  if (!isObject(details)) return null;
  return Object.keys(details).reduce((total, key) => total + (tokensAt(details, key) ?? 0), 0);
}
