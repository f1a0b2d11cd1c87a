import type { Codec, Decoder, PromptMaker, StreamError, TokenOut } from '../src/core/codec.ts';
import { messageOf } from '../src/core/errors.ts';
import type { Phases } from '../src/core/record.ts';
import type { Request } from '../src/core/request.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import { USUAL_BODY } from './body-options.ts';
import { jsonCall, type CodecOptions, type ServerCapabilities } from './codec-options.ts';
import { bounded, errorIn, errorMessageOf, isErrorEvent, statusIn } from './error-shape.ts';
import { protocolError, streamBroken } from './event-stream.ts';
import { isObject, parseJson, type Json } from './json.ts';
import { JsonObjects } from './json-objects.ts';
import { LIFETIME_EVENTS, phasesOfLifetime } from './lifetime.ts';
import { ownSampling, promptOf } from './own-prompt.ts';

/** Its prompts are text, and nothing counts their tokens. */
export const DISTSERVE_CAPABILITIES: ServerCapabilities = {
  tokenIdPrompts: false,
  ignoreEos: true,
  minTokens: false,
  finalUsage: false,
  continuousUsage: false,
  returnTokenIds: false,
  maxCompletionTokens: false,
};

/**
 * DistServe's own server (LLMServe/DistServe 82831f1) and the demo servers of old vLLM, `/generate`: JSON objects, one a
 * token, or not streamed one object with the times of its tokens. A field that is none of its sampling parameters is a
 * fault of the server (500), so that no other is sent.
 */
export function distserveCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  const { body = USUAL_BODY, capabilities = DISTSERVE_CAPABILITIES } = options;
  const ignoresEos = capabilities.ignoreEos && body.ignoreEos;
  const fields = (request: Request): Json => ({
    prompt: promptOf(request, prompts, false),
    stream: body.stream,
    n: 1,
    best_of: 1,
    use_beam_search: false,
    temperature: body.temperature,
    top_p: 1,
    max_tokens: request.outputTokens,
    ...(ignoresEos ? { ignore_eos: true } : {}),
    ...ownSampling(request),
  });
  return {
    name: 'distserve',
    promptForm: 'text',
    isWholePrompt: true,
    open: (request) => [jsonCall('/generate', request, options, fields(request))],
    decoder: ({ outputTokens }, out) => {
      const leastTokens = ignoresEos ? outputTokens : 0;
      const reader = body.stream ? new StreamedTokens(out) : new WholeAnswer(out, leastTokens);
      return new ObjectDecoder(reader, outputTokens, leastTokens);
    },
    errorMessage: (text) =>
      text.trim() === BARE_500 ? `${BARE_500} (only the log of the server says why)` : errorMessageOf(text),
    example: body.stream ? streamedExample : wholeExample,
  };
}

/** What FastAPI sends for any exception. */
const BARE_500 = 'Internal Server Error';

/** How the objects of an answer are read. */
interface ObjectReader {
  /** Reads the next object; `strings`: how many it has, keys included. An error ends the response. */
  read(bytes: Buffer, strings: number): StreamError | null;
  /** Tokens so far. */
  readonly tokens: number;
  /** Nothing that follows belongs to the response. */
  readonly isDone: boolean;
  readonly facts: Pick<ResponseInfo, 'outputTokens' | 'countSource' | 'phases' | 'tokenTimeSource'>;
}

/**
 * One response as JSON objects. It has no finish reason and no end mark: it is whole with as many tokens as planned,
 * where EOS is ignored, and else wherever its body ends.
 */
class ObjectDecoder implements Decoder {
  readonly #reader: ObjectReader;
  readonly #plannedTokens: number;
  readonly #leastTokens: number;
  readonly #objects: JsonObjects;
  #error: StreamError | null = null;
  #isDone = false;

  constructor(reader: ObjectReader, plannedTokens: number, leastTokens: number) {
    this.#reader = reader;
    this.#plannedTokens = plannedTokens;
    this.#leastTokens = leastTokens;
    this.#objects = new JsonObjects((bytes, strings) => {
      if (!this.#isOver) this.#error = reader.read(bytes, strings);
    });
  }

  get error(): StreamError | null {
    return this.#error;
  }

  get isDone(): boolean {
    return this.#isDone || this.#reader.isDone;
  }

  get finalEvents(): number {
    return Math.max(0, this.#reader.tokens - this.#plannedTokens + 1);
  }

  get #isOver(): boolean {
    return this.#error !== null || this.isDone;
  }

  push(chunk: Uint8Array): void {
    if (this.#isOver) return;
    this.#objects.push(chunk);
    if (this.#isOver || this.#objects.stray === '') return;
    // Behind a whole response it is none of it.
    if (this.finalEvents > 0) this.#isDone = true;
    else if (this.#objects.isStrayWhole) this.#error = this.#noObject();
  }

  end(): StreamError | null {
    if (this.#isOver || this.finalEvents > 0) return this.#error;
    if (this.#objects.stray !== '') return this.#noObject();
    const { isInside } = this.#objects;
    const { tokens } = this.#reader;
    if (!isInside && tokens >= this.#leastTokens) return null;
    const where = isInside ? ' inside of an object' : '';
    return streamBroken(`the answer ended${where} after ${tokens} of ${this.#plannedTokens} tokens`);
  }

  response(httpStatus: number | null): ResponseInfo {
    const { facts } = this.#reader;
    return { httpStatus, finishReason: null, inputTokens: null, cachedTokens: null, reasoningTokens: null, ...facts };
  }

  #noObject(): StreamError {
    const { tokens } = this.#reader;
    const what = tokens === 0 ? 'the answer' : `what follows ${tokens} of ${this.#plannedTokens} tokens`;
    return protocolError(`${what} is no JSON object: ${errorMessageOf(this.#objects.stray)}`);
  }
}

/** `{"text": "` and the end of an object that holds no more than that; vLLM's demo server has a list of one text. */
const TEXT_HEAD = /^\{\s*"text"\s*:\s*(?:\[\s*)?"/;
const TEXT_TAIL = /"\s*(?:\]\s*)?\}$/;
const HEAD_BYTES = 32;
const TAIL_BYTES = 16;

/**
 * A streamed response, whose objects have all of the text so far: one object is one step of the engine and counts as one
 * token, also where its text did not grow, as with half of a character. Nothing in it tells of several tokens.
 */
class StreamedTokens implements ObjectReader {
  readonly #out: TokenOut;
  tokens = 0;
  readonly isDone = false;

  constructor(out: TokenOut) {
    this.#out = out;
  }

  get facts(): ObjectReader['facts'] {
    return { outputTokens: null, countSource: this.tokens > 0 ? 'chunks' : null, phases: null };
  }

  /** A text so far grows with the square of its length: an object that holds nothing else is not parsed. */
  read(bytes: Buffer, strings: number): StreamError | null {
    const isText =
      strings === 2 &&
      TEXT_HEAD.test(bytes.toString('latin1', 0, HEAD_BYTES)) &&
      TEXT_TAIL.test(bytes.toString('latin1', Math.max(0, bytes.length - TAIL_BYTES)));
    if (!isText) {
      const object = parsed(bytes);
      if ('error' in object) return object.error;
      const { text } = object.json;
      if (typeof text !== 'string' && !(Array.isArray(text) && typeof text[0] === 'string'))
        return protocolError(`an object is not one of /generate: ${bounded(bytes.toString())}`);
    }
    this.tokens++;
    this.#out.tokens(1, true);
    return null;
  }
}

/**
 * A response that is not streamed: one object, with the time of each token on the server's monotonic clock, and the events
 * of the request on its wall clock. The last token came with the answer, the others before it by the differences of the
 * one clock; phases are the differences of the other. No time of one is set against a time of the other.
 */
class WholeAnswer implements ObjectReader {
  readonly #out: TokenOut;
  readonly #leastTokens: number;
  #phases: Phases | null = null;
  tokens = 0;
  isDone = false;

  constructor(out: TokenOut, leastTokens: number) {
    this.#out = out;
    this.#leastTokens = leastTokens;
  }

  get facts(): ObjectReader['facts'] {
    return {
      outputTokens: this.isDone ? this.tokens : null,
      countSource: this.tokens > 0 ? 'usage' : null,
      phases: this.#phases,
      tokenTimeSource: 'server',
    };
  }

  read(bytes: Buffer): StreamError | null {
    const object = parsed(bytes);
    if ('error' in object) return object.error;
    const times = tokenTimes(object.json['timestamps']);
    if ('fault' in times) return protocolError(`${times.fault}: ${bounded(bytes.toString())}`);
    const { seconds } = times;
    this.#phases = phasesOfLifetime(object.json['lifetime_events']);
    this.isDone = true;
    this.tokens = seconds.length;
    const lastS = seconds.at(-1) ?? 0;
    for (const timeS of seconds) this.#out.tokens(1, true, (lastS - timeS) * 1e6);
    if (seconds.length >= this.#leastTokens) return null;
    return protocolError(
      `the answer has ${seconds.length} timestamps, one a token, and ${this.#leastTokens} tokens were asked for`,
    );
  }
}

/** The JSON of an object, or the error that it is. */
function parsed(bytes: Buffer): { readonly json: Json } | { readonly error: StreamError } {
  const text = bytes.toString();
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (thrown) {
    return { error: protocolError(`an object is not JSON (${messageOf(thrown)}): ${bounded(text)}`) };
  }
  if (isErrorEvent(json)) return { error: streamBroken(errorIn(json), statusIn(json)) };
  return isObject(json) ? { json } : { error: protocolError(`no object: ${bounded(text)}`) };
}

/** The times of the tokens of an answer, seconds, never decreasing; or why there are none. */
function tokenTimes(timestamps: unknown): { readonly seconds: readonly number[] } | { readonly fault: string } {
  if (!Array.isArray(timestamps))
    return { fault: 'the answer has no timestamps, and without --no-stream it needs none' };
  const seconds: number[] = [];
  for (const timeS of timestamps) {
    const token = seconds.length + 1;
    if (typeof timeS !== 'number' || !Number.isFinite(timeS))
      return { fault: `the timestamp of token ${token} is no time` };
    const beforeS = seconds.at(-1) ?? timeS;
    if (timeS < beforeS) return { fault: `the timestamps go back at token ${token}, from ${beforeS} to ${timeS} s` };
    seconds.push(timeS);
  }
  return { seconds };
}

function streamedExample(tokens: number): string {
  return Array.from({ length: tokens }, (_, i) => `{"text": "${' a'.repeat(i + 1)}"}`).join('');
}

/** Its tokens lie as close together as they can, so that none seems to come before its request, however fast it is. */
function wholeExample(tokens: number): string {
  const timestamps = Array.from({ length: tokens }, (_, i) => 1000 + i * 1e-6);
  const lifetime_events = LIFETIME_EVENTS.map((event_type, i) => ({ timestamp: 1.7e9 + i, event_type }));
  return JSON.stringify({ text: ' a'.repeat(tokens), timestamps, lifetime_events });
}
