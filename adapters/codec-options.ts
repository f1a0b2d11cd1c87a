import { requestIdHeader } from '../src/core/request-id.ts';
import type { Call, Codec } from '../src/core/codec.ts';
import type { Request } from '../src/core/request.ts';
import { mergedBody, type BodyOptions } from './body-options.ts';
import type { Json } from './json.ts';

export const API_ENDPOINTS = ['completions', 'chat', 'generate'] as const;
export type ApiEndpoint = (typeof API_ENDPOINTS)[number];

/** What a codec is made of: plain data, because each thread makes its own codec. */
export interface CodecOptions {
  readonly endpoint: ApiEndpoint;
  /** Model of requests for which the trace names none that is served. */
  readonly model: string;
  /** Models that are served; absent: not known, and each request asks for the one that the trace names. */
  readonly models?: readonly string[];
  /** Prefix of `X-Request-Id`, so that a slow request can be found in the server's log. */
  readonly runId: string;
  /** Capabilities found on the server; absent: those that servers of the dialect usually have. */
  readonly capabilities?: ServerCapabilities;
  /** Absent: `USUAL_BODY`. */
  readonly body?: BodyOptions;
  /** What the endpoints of the target compute; absent: there is one, which computes all. */
  readonly deployment?: Deployment;
  /** Responses hold their answers (`ResponseInfo.answer`), up to 4 Mi characters of each. Absent: false. */
  readonly keepAnswers?: boolean;
}

/** How a prompt gets from the prefill server to the decode server. */
export const HANDOVERS = ['vllm', 'sglang', 'llm-d'] as const;
export type Handover = (typeof HANDOVERS)[number];

/** Who picks the replica of a request: each in turn, or the same one for all requests of a session. */
export const ROUTERS = ['round-robin', 'session'] as const;
export type RouterName = (typeof ROUTERS)[number];

/** A server that computes prompts for others. */
export interface PrefillReplica {
  /** Position among the target's endpoints. */
  readonly endpoint: number;
  readonly host: string;
  readonly port: number;
  /** Where SGLang's servers arrange their transfers; null: the default of theirs. */
  readonly bootstrapPort: number | null;
}

/** The replicas of a target: each serves requests whole (`both`), or they are of two kinds. */
export type Deployment =
  | { readonly kind: 'replicas'; readonly router: RouterName; readonly endpoints: readonly number[] }
  | {
      readonly kind: 'disaggregated';
      readonly router: RouterName;
      readonly handover: Handover;
      readonly prefill: readonly PrefillReplica[];
      readonly decode: readonly number[];
    };

/** A codec whose exchange is one POST of JSON: `call` makes it of the body and the route. */
export interface Dialect extends Codec {
  readonly route: string;
  body(request: Request): Json;
}

/**
 * The request fields a server supports beyond OpenAI's own, as plain data: detected once, then used by the codecs of
 * all threads. A field that a server does not support is not sent, because hosted endpoints reject unknown fields.
 */
export interface ServerCapabilities {
  /** Prompts as token ids, whose length is exact by construction. */
  readonly tokenIdPrompts: boolean;
  /** `ignore_eos` and `min_tokens`: the response has exactly the planned length. */
  readonly ignoreEos: boolean;
  readonly minTokens: boolean;
  /** `stream_options.include_usage`: the server's own counts at the end. */
  readonly finalUsage: boolean;
  /** `stream_options.continuous_usage_stats`: the count of tokens so far in every chunk. */
  readonly continuousUsage: boolean;
  /** `return_token_ids`: the ids of every chunk. */
  readonly returnTokenIds: boolean;
  /** `max_completion_tokens` of chat; older servers have `max_tokens`. */
  readonly maxCompletionTokens: boolean;
}

export type Capability = keyof ServerCapabilities;

/** Every capability, as vLLM has them. */
export const ALL_CAPABILITIES: ServerCapabilities = {
  tokenIdPrompts: true,
  ignoreEos: true,
  minTokens: true,
  finalUsage: true,
  continuousUsage: true,
  returnTokenIds: true,
  maxCompletionTokens: true,
};

/** A POST of JSON, with the user's fields; its response is streamed as server-sent events, or whole where it is a reply. */
export function jsonCall(
  path: string,
  request: Request,
  { runId, body }: CodecOptions,
  json: Json,
  { id = 0, role = 'stream', step = 0, endpoint = 0 }: Partial<Pick<Call, 'id' | 'role' | 'step' | 'endpoint'>> = {},
): Call {
  return {
    id,
    role,
    step,
    endpoint,
    path,
    headers: {
      'content-type': 'application/json',
      accept: role === 'stream' ? 'text/event-stream' : 'application/json',
      'accept-encoding': 'identity',
      'x-request-id': requestId(request, runId),
    },
    // Bytes of their own, not of Buffer's pool, so that they can be transferred between threads.
    body: new TextEncoder().encode(JSON.stringify(body === undefined ? json : mergedBody(json, body.extra))),
  };
}

/** Run and request, in the characters that a header may hold. */
export function requestId(request: Request, runId: string): string {
  return requestIdHeader(runId, request.id);
}
