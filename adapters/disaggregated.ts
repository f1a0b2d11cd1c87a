import type { Call, Codec, Decoder, PromptMaker, StreamError, TokenOut } from '../src/core/codec.ts';
import { randomStream, uniform } from '../src/core/random.ts';
import type { Request } from '../src/core/request.ts';
import type { ResponseInfo } from '../src/core/target.ts';
import {
  jsonCall,
  type CodecOptions,
  type Deployment,
  type Dialect,
  type Handover,
  type PrefillReplica,
} from './codec-options.ts';
import { picker } from './deployment.ts';
import { errorIn, errorMessageOf, isErrorEvent } from './error-shape.ts';
import { protocolError, streamBroken } from './event-stream.ts';
import { isObject, parsedOrNull, tokensAt, type Json } from './json.ts';
import { vllmCodec } from './openai.ts';
import { rawMember } from './raw-member.ts';
import { sglangCodec } from './sglang.ts';

type Disaggregated = Extract<Deployment, { readonly kind: 'disaggregated' }>;

/** The servers that a request goes to. */
interface Pair {
  readonly prefill: PrefillReplica;
  readonly decode: number;
}

/**
 * Prefill and decode servers called by the client, as their proxies call them, so that the hand-over can be seen:
 * `vllm`, two steps with `kv_transfer_params`; `sglang`, both calls at once with the address of a bootstrap server and a
 * room; `llm-d`, one call to the decode server's sidecar, which is told the prefill server.
 */
export function disaggregatedCodec(
  options: CodecOptions,
  prompts: PromptMaker,
  { handover, router, prefill, decode }: Disaggregated,
): Codec {
  const dialect = handover === 'sglang' ? sglangCodec(options, prompts) : vllmCodec(options, prompts);
  const [pickPrefill, pickDecode] = [picker(router, prefill), picker(router, decode)];
  const callsOf = CALLS[handover](dialect, options);
  return {
    ...dialect,
    name: 'disaggregated',
    open: (request, position) =>
      callsOf(request, { prefill: pickPrefill(request, position), decode: pickDecode(request, position) }),
    decoder: (request, out) => decoderOf(handover, dialect, request, out),
    ...(handover === 'vllm' ? { exampleReply: EXAMPLE_REPLY } : {}),
    ...(handover === 'sglang' ? { exampleReply: dialect.example(1) } : {}),
  };
}

function decoderOf(handover: Handover, dialect: Dialect, request: Request, out: TokenOut): Decoder {
  const decoder = dialect.decoder(request, out);
  if (handover === 'llm-d') return decoder;
  return handover === 'vllm' ? new TwoSteps(decoder) : new BothAtOnce(decoder, dialect.decoder(request, NOWHERE));
}

type CallsOf = (dialect: Dialect, options: CodecOptions) => (request: Request, pair: Pair) => readonly Call[];

const PREFILL = { id: 0, role: 'reply' } as const;
const DECODE = { id: 1, role: 'stream' } as const;

/** vLLM's fields of its NIXL connector, by which a prompt is computed for another server. */
const REMOTE_DECODE = {
  do_remote_decode: true,
  do_remote_prefill: false,
  remote_engine_id: null,
  remote_block_ids: null,
  remote_host: null,
  remote_port: null,
};

const CALLS: Readonly<Record<Handover, CallsOf>> = {
  vllm: (dialect, options) => (request, pair) => {
    const body = dialect.body(request);
    return [
      jsonCall(dialect.route, request, options, promptAlone(body), { ...PREFILL, endpoint: pair.prefill.endpoint }),
      jsonCall(dialect.route, request, options, body, { ...DECODE, step: 1, endpoint: pair.decode }),
    ];
  },
  sglang: (dialect, options) => {
    let made = 0;
    return (request, { prefill, decode }) => {
      const body = {
        ...dialect.body(request),
        bootstrap_host: prefill.host,
        bootstrap_port: prefill.bootstrapPort,
        bootstrap_room: roomOf(options.runId, request.id, made++),
      };
      return [
        jsonCall(dialect.route, request, options, body, { ...PREFILL, endpoint: prefill.endpoint }),
        jsonCall(dialect.route, request, options, body, { ...DECODE, endpoint: decode }),
      ];
    };
  },
  'llm-d':
    (dialect, options) =>
    (request, { prefill, decode }) => {
      const call = jsonCall(dialect.route, request, options, dialect.body(request), { endpoint: decode });
      return [{ ...call, headers: { ...call.headers, 'x-prefiller-host-port': `${prefill.host}:${prefill.port}` } }];
    },
};

/** The body of vLLM's first step: one token, whole, and what asks for more left out. */
function promptAlone(body: Json): Json {
  const { stream_options: _usage, min_tokens: _least, return_token_ids: _ids, ...rest } = body;
  const isChat = 'messages' in body;
  return {
    ...rest,
    stream: false,
    max_tokens: 1,
    ...(isChat && 'max_completion_tokens' in body ? { max_completion_tokens: 1 } : {}),
    kv_transfer_params: REMOTE_DECODE,
  };
}

/** Below 2^53, so that every JSON reader keeps it as it is; of its own for each call of each run. */
function roomOf(runId: string, requestId: string, made: number): number {
  return uniform(randomStream(0, 'bootstrap room', runId, requestId, made)) * 2 ** 53;
}

const HELD =
  'the prefill server has computed the prompt, and holds its KV until it expires: there is no call to free it';

/** Passes on the stream of the decode server to the dialect's decoder. */
abstract class StreamOfDecode implements Decoder {
  protected readonly decoder: Decoder;
  /** Prompt tokens that the prefill server found in its cache: those of the decode server came over the link. */
  protected cachedTokens: number | null = null;

  constructor(decoder: Decoder) {
    this.decoder = decoder;
  }

  get error(): StreamError | null {
    return this.decoder.error;
  }

  get isDone(): boolean {
    return this.decoder.isDone;
  }

  get finalEvents(): number {
    return this.decoder.finalEvents ?? 0;
  }

  push(chunk: Uint8Array): void {
    this.decoder.push(chunk);
  }

  end(): StreamError | null {
    return this.decoder.end();
  }

  response(httpStatus: number | null): ResponseInfo {
    return { ...this.decoder.response(httpStatus), cachedTokens: this.cachedTokens };
  }

  abstract reply(call: Call, body: Uint8Array): StreamError | null;
}

/** vLLM: the decode server is called with what the prefill server's reply says about the prompt's KV. */
class TwoSteps extends StreamOfDecode {
  #transferParams: string | null = null;
  #isDecoding = false;

  /** The decode server fetches the KV before its first token. */
  get aftermath(): string | null {
    return this.#transferParams === null || this.#isDecoding ? null : HELD;
  }

  override push(chunk: Uint8Array): void {
    this.#isDecoding = true;
    super.push(chunk);
  }

  reply(_call: Call, body: Uint8Array): StreamError | null {
    const text = Buffer.from(body).toString();
    const said = parsedOrNull(text);
    if (isErrorEvent(said)) return streamBroken(isObject(said) ? errorIn(said) : errorMessageOf(text));
    if (!isObject(said)) return protocolError(`the reply to the prompt is no JSON object: ${errorMessageOf(text)}`);
    if (!isObject(said['kv_transfer_params']))
      return protocolError(
        'the reply to the prompt has no kv_transfer_params: a vLLM that hands prompts over is started with --kv-transfer-config, and others have another --handover',
      );
    this.#transferParams = rawMember(text, 'kv_transfer_params');
    const usage = said['usage'];
    this.cachedTokens = isObject(usage) ? tokensAt(usage['prompt_tokens_details'], 'cached_tokens') : null;
    return null;
  }

  next(prepared: readonly Call[]): readonly Call[] {
    return prepared.map((call) => ({ ...call, body: withMember(call.body, this.#transferParams ?? 'null') }));
  }
}

/** A JSON object, encoded, with `kv_transfer_params` behind its other members. */
function withMember(body: Uint8Array, json: string): Uint8Array {
  const member = new TextEncoder().encode(`,"kv_transfer_params":${json}}`);
  const whole = new Uint8Array(body.length - 1 + member.length);
  whole.set(body.subarray(0, -1));
  whole.set(member, body.length - 1);
  return whole;
}

/** SGLang: the prefill server's reply tells whether the prompt was computed, its tokens come from the decode server. */
class BothAtOnce extends StreamOfDecode {
  readonly #ofPrompt: Decoder;

  constructor(decoder: Decoder, ofPrompt: Decoder) {
    super(decoder);
    this.#ofPrompt = ofPrompt;
  }

  reply(_call: Call, body: Uint8Array): StreamError | null {
    this.#ofPrompt.push(body);
    if (this.#ofPrompt.error !== null) return this.#ofPrompt.error;
    this.cachedTokens = this.#ofPrompt.response(null).cachedTokens;
    return null;
  }
}

const NOWHERE: TokenOut = { tokens: () => undefined };

const EXAMPLE_REPLY = '{"kv_transfer_params":{"remote_block_ids":[1,2,3]},"usage":{"prompt_tokens":64}}';
