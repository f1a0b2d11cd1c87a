import type { StreamError, TokenOut } from '../src/core/codec.ts';
import type { Phases } from '../src/core/record.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { AnswerKeeper } from './answer-keeper.ts';
import { bounded, finishReasonIn, isGivenUp, reasonOf, statusIn } from './error-shape.ts';
import { EventShape, type SharedShapes } from './event-shape.ts';
import { streamBroken, type EventHandler } from './event-stream.ts';
import { claimAt, isObject, phasesOf, tokensAt, type Json } from './json.ts';
import { TokenCount, type Output } from './token-count.ts';

/** Events of other shapes than the one before, in a row, after which no more shapes are learnt. */
const MAX_NEW_SHAPES = 8;

/** What one choice of an event carries. */
export interface ChoiceContent {
  readonly output: Output;
  /** The text, where it is one field of the event; null where it is anything else. */
  readonly text: string | null;
  readonly isReasoning: boolean;
  /** What an unknown field holds; absent where the output is not `unknown`. */
  readonly unknown?: string;
}

/** How a route carries tokens. */
export interface ChoiceReader {
  contentOf(choice: Json): ChoiceContent;
  /** Whether reasoning has fields of its own: elsewhere it is part of the text. */
  readonly splitsReasoning: boolean;
}

const SOME_TEXT: ChoiceContent = { text: null, output: 'text', isReasoning: false };
const PERHAPS: ChoiceContent = { text: '', output: 'perhaps', isReasoning: false };

/**
 * The events of one response of an OpenAI-shaped server, completions and chat alike; `reader` reads the part in
 * which the two differ. `TokenCount` counts their tokens. An event without text may or may not be a token: vLLM sends
 * tokens with `text: ""`, others an empty last event; the final usage tells.
 */
export class OpenAiEvents implements EventHandler {
  readonly #count: TokenCount;
  readonly #reader: ChoiceReader;
  readonly #answer: AnswerKeeper | null;
  /** The bytes of the event that was matched last, where the answer is kept. */
  #matched: Buffer | null = null;
  #finishReason: string | null = null;
  reasons = 0;
  #usage: unknown = null;
  /** `completion_tokens` of the last usage. */
  #usageTokens: number | null = null;
  #cachedDetails: unknown = null;
  #phases: Phases | null = null;
  readonly #shapes: SharedShapes<ChoiceContent>;
  #shape: EventShape | null = null;
  /** The prompt's count in events of this shape; null: they have none. */
  #shapePrompt: number | null = null;
  /** The content of an event of this shape whose text is empty. */
  #contentWithoutText: ChoiceContent = PERHAPS;
  #newShapes = 0;
  #reasoningTokens = 0;
  #reasoningTexts = 0;
  /** What an unknown field held last: one that repeats itself is no output. */
  #unknown = '';

  /** `shapes`: those that all responses of the route share. */
  constructor(
    out: TokenOut,
    asked: number,
    reader: ChoiceReader,
    {
      shapes,
      keepsAnswer = false,
    }: { readonly shapes: SharedShapes<ChoiceContent>; readonly keepsAnswer?: boolean | undefined },
  ) {
    this.#count = new TokenCount(out, asked);
    this.#reader = reader;
    this.#shapes = shapes;
    this.#answer = keepsAnswer ? new AnswerKeeper() : null;
  }

  get countedTokens(): number {
    return this.#count.tokens;
  }

  get texts(): number {
    return this.#count.texts;
  }

  get finishReason(): string | null {
    return this.#finishReason;
  }

  response(httpStatus: number | null): ResponseInfo {
    const usage = this.#usage;
    const prompt = isObject(usage) ? usage['prompt_tokens_details'] : null;
    const completion = isObject(usage) ? usage['completion_tokens_details'] : null;
    const reasoningTokens = tokensAt(completion, 'reasoning_tokens') ?? tokensAt(usage, 'reasoning_tokens');
    return {
      httpStatus,
      finishReason: this.#finishReason,
      inputTokens: tokensAt(usage, 'prompt_tokens'),
      cachedTokens:
        tokensAt(prompt, 'cached_tokens') ?? tokensAt(usage, 'prompt_cache_hit_tokens') ?? sum(this.#cachedDetails),
      outputTokens: this.#usageTokens,
      outputTokensByTotal: this.#tokensByTotal(),
      reasoningTokens: reasoningTokens ?? (this.#reasoningTokens > 0 ? this.#reasoningTokens : null),
      reasoningTexts: this.#reader.splitsReasoning ? this.#reasoningTexts : null,
      countSource: this.#count.source,
      countFault: this.#count.countFault,
      phases: this.#phases,
      ...(this.#answer === null ? {} : { answer: this.#answer.answer(this.#count.tokens) }),
    };
  }

  countUnparsed(data: string): boolean {
    if (this.#shape === null) return false;
    const bytes = Buffer.from(data);
    if (this.match(bytes, 0, bytes.length) !== bytes.length) return false;
    this.countMatched();
    return true;
  }

  match(bytes: Buffer, from: number, to: number): number {
    const shape = this.#shape;
    if (shape === null) return -1;
    const end = shape.read(bytes, from, to);
    if (shape.prompt !== this.#shapePrompt) return -1;
    if (this.#answer !== null) this.#matched = bytes;
    return end;
  }

  countMatched(): void {
    const shape = this.#shape;
    if (shape === null) return;
    this.#newShapes = 0;
    if (this.#matched !== null) this.#answer?.add(shape.unescapedText(this.#matched), shape.idList(this.#matched));
    this.#matched = null;
    this.#add(shape.isEmpty ? this.#contentWithoutText : SOME_TEXT, shape.ids, shape.count);
  }

  read(event: Json, data: string): StreamError | null {
    const usage = event['usage'] ?? null;
    const usageTokens = claimAt(usage, 'completion_tokens');
    if (usage !== null) this.#usage = usage;
    this.#cachedDetails = cachedDetailsOf(event) ?? this.#cachedDetails;
    this.#phases = phasesOf(event['phases']) ?? this.#phases;
    const choice = choiceOf(event);
    const error = choice === null ? null : this.#readChoice(choice, usageTokens, data, event);
    if (usageTokens === null) return error;
    this.#usageTokens = usageTokens;
    this.#count.check(usageTokens);
    return error;
  }

  /** What the last usage counts besides the prompt; null where it is not the last count, or has no total. */
  #tokensByTotal(): number | null {
    const prompt = claimAt(this.#usage, 'prompt_tokens');
    const total = claimAt(this.#usage, 'total_tokens');
    const isLast = claimAt(this.#usage, 'completion_tokens') === this.#usageTokens;
    return isLast && prompt !== null && total !== null && total >= prompt ? total - prompt : null;
  }

  #readChoice(choice: Json, usageTokens: number | null, data: string, event: Json): StreamError | null {
    const reason = finishReasonIn(choice['finish_reason']);
    this.#finishReason = reason ?? this.#finishReason;
    if (reason !== null) this.reasons++;
    if (isAskedFor(choice)) {
      this.#answer?.addChoice(choice);
      const ids = Array.isArray(choice['token_ids']) ? choice['token_ids'].length : null;
      const content = this.#reader.contentOf(choice);
      this.#add(content, ids, usageTokens);
      if (reason === null && content.text !== null && !content.isReasoning)
        this.#learnShape(data, content.text, ids, usageTokens);
    } else this.#count.event('perhaps', null, null);
    if (reason === null || !isGivenUp(reason)) return null;
    const said = reasonOf(choice['finish_reason'], choice, event) ?? bounded(data);
    const status = statusIn(choice['finish_reason']) ?? statusIn(choice);
    return streamBroken(`the server aborted the request (finish_reason ${reason}): ${said}`, status);
  }

  #learnShape(data: string, text: string, ids: number | null, usageTokens: number | null): void {
    if (text === '' || this.#newShapes >= MAX_NEW_SHAPES) return;
    this.#newShapes++;
    const bytes = Buffer.from(data);
    // Only a shape that reads this very event as the parser did.
    const isRight = (shape: EventShape): boolean =>
      shape.read(bytes, 0, bytes.length) === bytes.length &&
      shape.text(bytes) === text &&
      shape.ids === ids &&
      shape.count === usageTokens;
    const known = this.#shapes.find(isRight) ?? this.#newShape(data, isRight);
    if (known === null) return;
    this.#shape = known.shape;
    this.#shapePrompt = known.shape.prompt;
    this.#contentWithoutText = known.of;
  }

  #newShape(
    data: string,
    isRight: (shape: EventShape) => boolean,
  ): { readonly shape: EventShape; readonly of: ChoiceContent } | null {
    const shape = EventShape.of(data);
    if (shape === null || !isRight(shape)) return null;
    const withoutText: unknown = JSON.parse(shape.empty());
    const choice = isObject(withoutText) ? choiceOf(withoutText) : null;
    if (choice === null) return null;
    const of = this.#reader.contentOf(choice);
    this.#shapes.add(shape, of);
    return { shape, of };
  }

  #add({ output: found, isReasoning, unknown = '' }: ChoiceContent, ids: number | null, usage: number | null): void {
    const output = found === 'unknown' && unknown === this.#unknown ? 'perhaps' : found;
    if (found === 'unknown') this.#unknown = unknown;
    const tokens = this.#count.event(output, ids, usage);
    // A count before a text without one is not the last.
    if (usage !== null || output === 'text') this.#usageTokens = usage;
    if (!isReasoning) return;
    this.#reasoningTexts++;
    this.#reasoningTokens += tokens;
  }
}

/** The choice that was asked for, where an event has it. */
function choiceOf(event: Json): Json | null {
  const choices: readonly unknown[] = Array.isArray(event['choices']) ? event['choices'] : [];
  const choice = choices.length > 1 ? (choices.find(isAskedFor) ?? choices[0]) : choices[0];
  return isObject(choice) ? choice : null;
}

/** One answer is asked for: others that a server sends beside it are not its tokens. */
function isAskedFor(choice: unknown): boolean {
  const index = isObject(choice) ? choice['index'] : null;
  return typeof index !== 'number' || index === 0;
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
