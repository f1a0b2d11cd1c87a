import type { PromptMaker, StreamError, TokenOut } from '../src/core/codec.ts';
import type { Request } from '../src/core/request.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { USUAL_BODY } from './body-options.ts';
import {
  ALL_CAPABILITIES,
  jsonCall,
  requestId,
  type CodecOptions,
  type Dialect,
  type ServerCapabilities,
} from './codec-options.ts';
import { AnswerKeeper } from './answer-keeper.ts';
import { bounded, errorMessageOf, finishReasonIn, isGivenUp, reasonOf, statusIn } from './error-shape.ts';
import { EventStream, protocolError, streamBroken, type EventHandler } from './event-stream.ts';
import { claimAt, isObject, MAX_RESPONSE_TOKENS, phasesOf, textAt, tokensAt, type Json } from './json.ts';
import { openAiRoutes } from './openai.ts';
import { ownSampling, promptOf } from './own-prompt.ts';
import { TokenCount, type Output } from './token-count.ts';

/** SGLang: its own `/generate`, whose events have the count of tokens so far, or OpenAI's routes. */
export function sglangCodec(options: CodecOptions, prompts: PromptMaker): Dialect {
  // SGLang has no return_token_ids.
  const capabilities: ServerCapabilities = { ...(options.capabilities ?? ALL_CAPABILITIES), returnTokenIds: false };
  const { endpoint, keepAnswers = false } = options;
  if (endpoint !== 'generate') return openAiRoutes('sglang', options, prompts, capabilities);
  const route = '/generate';
  // Not every version tells the ids of an answer, which would have to be repeated.
  const tokenIdPrompts = capabilities.tokenIdPrompts && !keepAnswers;
  const promptForm = tokenIdPrompts ? 'ids' : 'text';
  const body = (request: Request): Json => generateBody(request, options, prompts, { ...capabilities, tokenIdPrompts });
  return {
    name: 'sglang',
    promptForm,
    ...(keepAnswers ? { historyForm: promptForm } : {}),
    route,
    body,
    open: (request) => [jsonCall(route, request, options, body(request))],
    decoder: (request, out) =>
      new EventStream(request.outputTokens, new GenerateEvents(out, request.outputTokens, keepAnswers)),
    errorMessage: errorMessageOf,
    example: exampleResponse,
  };
}

function generateBody(
  request: Request,
  { runId, body = USUAL_BODY }: CodecOptions,
  prompts: PromptMaker,
  { tokenIdPrompts, minTokens, ignoreEos }: ServerCapabilities,
): Json {
  const prompt = promptOf(request, prompts, tokenIdPrompts);
  return {
    ...(typeof prompt === 'string' ? { text: prompt } : { input_ids: prompt }),
    sampling_params: {
      temperature: body.temperature,
      max_new_tokens: request.outputTokens,
      ...(minTokens && body.ignoreEos ? { min_new_tokens: request.outputTokens } : {}),
      ...(ignoreEos && body.ignoreEos ? { ignore_eos: true } : {}),
      ...ownSampling(request),
    },
    stream: true,
    rid: requestId(request, runId),
  };
}

function exampleResponse(tokens: number): string {
  let events = '';
  for (let i = 1; i <= tokens; i++) {
    const finish = i === tokens ? `{"type":"length","length":${tokens}}` : 'null';
    events += `data: {"text":"${' a'.repeat(i)}","meta_info":{"id":"example","finish_reason":${finish},"prompt_tokens":64,"completion_tokens":${i},"cached_tokens":0}}\n\n`;
  }
  return `${events}data: [DONE]\n\n`;
}

/**
 * The events of one response of `/generate`. They carry all of the text so far (or, with a flag of the server, only the
 * new text) and then `meta_info` with the count of tokens so far: new tokens are the growth of that count. It is looked
 * for from the end of an event, so that a long text is not parsed anew with each of its tokens. An event whose count
 * does not grow is parsed, because new text in it shows that the count is none.
 */
class GenerateEvents implements EventHandler {
  readonly #count: TokenCount;
  readonly #answer: AnswerKeeper | null;
  #finishReason: string | null = null;
  reasons = 0;
  #meta: unknown = null;
  #lastCount: number | null = null;
  /** What the event before this one carried, and its data while that is unparsed. */
  #output = '';
  #unparsed: string | null = null;

  constructor(out: TokenOut, asked: number, keepsAnswer = false) {
    this.#count = new TokenCount(out, asked);
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
    const meta = this.#meta;
    return {
      httpStatus,
      finishReason: this.#finishReason,
      inputTokens: tokensAt(meta, 'prompt_tokens'),
      cachedTokens: tokensAt(meta, 'cached_tokens'),
      outputTokens: this.#lastCount,
      reasoningTokens: tokensAt(meta, 'reasoning_tokens'),
      countSource: this.#count.source,
      countFault: this.#count.countFault,
      phases: isObject(meta) ? phasesOf(meta['phases']) : null,
      ...(this.#answer === null ? {} : { answer: this.#answer.answer(this.#count.tokens) }),
    };
  }

  /** The first event and the last are always parsed: they have the prompt's counts and the finish reason. */
  countUnparsed(data: string): boolean {
    if (this.#meta === null || this.#answer !== null || this.#count.source !== 'usage') return false;
    const count = countOfUnfinished(data);
    if (count === null || count <= this.#count.tokens) return false;
    this.#unparsed = data;
    this.#add('text', count);
    return true;
  }

  /** An event holds all of the text, and where it ends is found by its lines. */
  match(): number {
    return -1;
  }

  countMatched(): void {}

  read(event: Json, data: string): StreamError | null {
    const meta = event['meta_info'];
    if (!isObject(meta)) return protocolError(`an event is not one of /generate: ${bounded(data)}`);
    this.#meta = meta;
    const tokens = claimAt(meta, 'completion_tokens');
    this.#answer?.addSoFar(textAt(event, 'text') ?? '', event['output_ids'], tokens);
    const output = outputOf(event);
    const before = this.#unparsed === null ? this.#output : outputIn(this.#unparsed);
    this.#output = output;
    this.#unparsed = null;
    this.#add(output !== '' && output !== before ? 'text' : 'perhaps', tokens);
    return this.#finish(meta['finish_reason'], meta, event);
  }

  #add(output: Output, count: number | null): void {
    this.#count.event(output, null, count);
    if (count !== null || output === 'text') this.#lastCount = count;
  }

  #finish(reason: unknown, meta: Json, event: Json): StreamError | null {
    const type = finishReasonIn(reason);
    this.#finishReason = type ?? this.#finishReason;
    if (type !== null) this.reasons++;
    if (type === null || !isGivenUp(type)) return null;
    const said = reasonOf(reason, meta, event) ?? bounded(JSON.stringify(isObject(reason) ? reason : meta));
    return streamBroken(`the server aborted the request: ${said}`, statusIn(reason));
  }
}

/** The text and the ids of an event; '' where it has neither. */
function outputOf(event: Json): string {
  const ids = event['output_ids'];
  return (textAt(event, 'text') ?? '') + (Array.isArray(ids) ? ids.join() : '');
}

function outputIn(data: string): string {
  const event: unknown = JSON.parse(data);
  return isObject(event) ? outputOf(event) : '';
}

const COUNT = '"completion_tokens":';
const FINISH = '"finish_reason":';
const LETTER_N = 110;
const DIGIT_0 = 48;
const COMMA = 44;
const BRACE = 125;
const SPACE = 32;

/**
 * `completion_tokens` of an event whose `finish_reason` is null; null where only a parse can tell. Quotes inside of
 * JSON strings are escaped, so that neither key can be found in the text of a response.
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
  return at === start || count > MAX_RESPONSE_TOKENS || (next !== COMMA && next !== BRACE) ? null : count;
}

function skipSpaces(data: string, from: number): number {
  let at = from;
  while (data.charCodeAt(at) === SPACE) at++;
  return at;
}
