import type { Codec, PromptMaker, StreamError, TokenOut } from '../src/core/codec.ts';
import type { TokenCountSource } from '../src/core/record.ts';
import type { Request } from '../src/core/request.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { USUAL_BODY } from './body-options.ts';
import { ALL_CAPABILITIES, jsonCall, requestId, type CodecOptions, type ServerCapabilities } from './codec-options.ts';
import { errorMessageOf, EventStream, protocolError, streamBroken, type EventHandler } from './event-stream.ts';
import { isObject, MAX_RESPONSE_TOKENS, phasesOf, textAt, tokensAt, type Json } from './json.ts';
import { openAiRoutes } from './openai.ts';

/** SGLang: its own `/generate`, whose events have the count of tokens so far, or OpenAI's routes. */
export function sglangCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  // SGLang has no return_token_ids.
  const capabilities: ServerCapabilities = { ...(options.capabilities ?? ALL_CAPABILITIES), returnTokenIds: false };
  if (options.endpoint !== 'generate') return openAiRoutes('sglang', options, prompts, capabilities);
  return {
    name: 'sglang',
    promptForm: capabilities.tokenIdPrompts ? 'ids' : 'text',
    open: (request) => [jsonCall('/generate', request, options, generateBody(request, options, prompts, capabilities))],
    decoder: (request, out) => new EventStream(request.outputTokens, new GenerateEvents(out)),
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
  return {
    ...(tokenIdPrompts ? { input_ids: prompts.ids(request) } : { text: prompts.text(request) }),
    sampling_params: {
      temperature: body.temperature,
      max_new_tokens: request.outputTokens,
      ...(minTokens && body.ignoreEos ? { min_new_tokens: request.outputTokens } : {}),
      ...(ignoreEos && body.ignoreEos ? { ignore_eos: true } : {}),
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
 * for from the end of an event, so that a long text is not parsed anew with each of its tokens.
 */
class GenerateEvents implements EventHandler {
  readonly #out: TokenOut;
  #countedTokens = 0;
  #finishReason: string | null = null;
  #meta: unknown = null;
  #countSource: TokenCountSource | null = null;

  constructor(out: TokenOut) {
    this.#out = out;
  }

  get countedTokens(): number {
    return this.#countedTokens;
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
      outputTokens: this.#countSource === 'usage' ? this.#countedTokens : null,
      reasoningTokens: tokensAt(meta, 'reasoning_tokens'),
      countSource: this.#countSource,
      phases: isObject(meta) ? phasesOf(meta['phases']) : null,
    };
  }

  /** The first event and the last are always parsed: they have the prompt's counts and the finish reason. */
  countUnparsed(data: string): boolean {
    const count = this.#meta === null ? null : countOfUnfinished(data);
    if (count === null) return false;
    this.#growTo(count);
    return true;
  }

  read(event: Json, data: string): StreamError | null {
    const meta = event['meta_info'];
    if (!isObject(meta)) return protocolError(`an event is not one of /generate: ${data.slice(0, 120)}`);
    this.#meta = meta;
    const count = tokensAt(meta, 'completion_tokens');
    if (count !== null) this.#growTo(count);
    else if (textAt(event, 'text') !== '') this.#addOne();
    return this.#finish(meta['finish_reason']);
  }

  #finish(reason: unknown): StreamError | null {
    const type = typeof reason === 'string' ? reason : textAt(reason, 'type');
    this.#finishReason = type ?? this.#finishReason;
    if (type !== 'abort') return null;
    return streamBroken(`the server aborted the request: ${textAt(reason, 'message') ?? 'it does not say why'}`);
  }

  #growTo(tokens: number): void {
    this.#countSource = 'usage';
    if (tokens <= this.#countedTokens) return;
    this.#out.tokens(tokens - this.#countedTokens);
    this.#countedTokens = tokens;
  }

  /** For a server that does not count: an event is a token. */
  #addOne(): void {
    this.#countSource = 'chunks';
    this.#countedTokens++;
    this.#out.tokens(1);
  }
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
