import type { Call, Codec, Decoder, StreamFault, TokenOut } from '../src/core/codec.ts';
import type { TokenCountSource } from '../src/core/record.ts';
import type { Request } from '../src/core/request.ts';
import type { Answer } from '../src/core/target.ts';
import { messageOf } from '../src/core/errors.ts';
import { isObject, numberAt, textAt } from './json.ts';
import { promptIds } from './prompt-ids.ts';
import { refusalText } from './refusal.ts';
import { SseReader } from './sse.ts';

export interface OpenAiOptions {
  /** Sent where the trace names no model. */
  readonly model: string;
  readonly seed: number;
  /** Prefix of `X-Request-Id`, so that a slow request can be found in the server's log. */
  readonly runId: string;
}

/**
 * OpenAI completions, streamed: the prompt as token ids, so that its length is exact by construction, and the
 * output held to the planned length (`ignore_eos`, vLLM's and SGLang's extension).
 */
export function openAiCodec(options: OpenAiOptions): Codec {
  return {
    name: 'openai',
    open: (request) => [completionCall(request, options)],
    decoder: (request, out) => new CompletionDecoder(request, out),
    refusal: refusalText,
  };
}

function completionCall(request: Request, options: OpenAiOptions): Call {
  const body = {
    model: request.model ?? options.model,
    prompt: promptIds(options.seed, request),
    max_tokens: request.outputTokens,
    min_tokens: request.outputTokens,
    ignore_eos: true,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  };
  return {
    id: 0,
    role: 'stream',
    path: '/v1/completions',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'x-request-id': `${options.runId}-${request.id}`,
    },
    // Bytes of their own, not of Buffer's pool, so that they can be transferred between threads.
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

/**
 * One streamed answer. Tokens of an event are counted by its token ids, else by the growth of its cumulative
 * usage, else as one where it carries text; an event with empty text may or may not be a token, and is reported as
 * count 0 until the final usage settles it (vLLM sends tokens with `text: ""`, others an empty last chunk).
 */
class CompletionDecoder implements Decoder {
  readonly #planned: number;
  readonly #out: TokenOut;
  readonly #sse: SseReader;
  #fault: StreamFault | null = null;
  #finishReason: string | null = null;
  #usage: unknown = null;
  #counted = 0;
  #source: TokenCountSource | null = null;
  #done = false;

  constructor(request: Request, out: TokenOut) {
    this.#planned = request.outputTokens;
    this.#out = out;
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
      reasoningTokens: numberAt(completion, 'reasoning_tokens'),
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

  #chunk(chunk: Readonly<Record<string, unknown>>): void {
    const usage = chunk['usage'] ?? null;
    const choice: unknown = Array.isArray(chunk['choices']) ? chunk['choices'][0] : undefined;
    if (isObject(choice)) {
      this.#finishReason = textAt(choice, 'finish_reason') ?? this.#finishReason;
      const ids = choice['token_ids'];
      this.#count(
        Array.isArray(ids) ? ids.length : null,
        numberAt(usage, 'completion_tokens'),
        textAt(choice, 'text') ?? '',
      );
    }
    if (usage !== null) this.#usage = usage;
  }

  #count(ids: number | null, cumulative: number | null, text: string): void {
    if (ids !== null) {
      this.#source = 'token_ids';
      this.#add(ids);
    } else if (cumulative !== null) {
      this.#source ??= 'usage';
      this.#add(cumulative - this.#counted);
    } else {
      this.#source ??= 'chunks';
      if (text === '') this.#out.tokens(0);
      else this.#add(1);
    }
  }

  #add(tokens: number): void {
    if (tokens <= 0) return;
    this.#counted += tokens;
    this.#out.tokens(tokens);
  }
}

const broken = (message: string): StreamFault => ({ outcome: 'stream_broken', message });
const foreign = (message: string): StreamFault => ({ outcome: 'protocol_error', message });
