import { BOOTSTRAP } from './bootstrap.ts';
import { distserveEndpoints, distservePages } from './distserve.ts';
import type { GenerationEndpoint, HandOver } from './generation.ts';
import type { InvalidRequest, Routes } from './http-server.ts';
import { KV_TRANSFER } from './kv-transfer.ts';
import { openAiPages, sglangPages, vllmPages, type PageContext } from './pages.ts';
import { parseChatRequest, parseCompletionRequest, parseGenerateRequest, type GenerationRequest } from './requests.ts';
import { chatFormat, completionFormat, generateFormat } from './response-format.ts';

export const DIALECT_NAMES = ['vllm', 'sglang', 'openai', 'distserve'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

/** Which server the engine's own looks like. */
export interface Dialect {
  /** Endpoints that generate tokens, by path. */
  readonly endpoints: Readonly<Record<string, GenerationEndpoint>>;
  /** Its other pages, besides those that every dialect has. */
  readonly pages: (context: PageContext) => Routes;
  /** Given where prompts and decodes may have ports of their own. */
  readonly handOver?: HandOver;
}

const completions: GenerationEndpoint = { parse: parseCompletionRequest, format: completionFormat };
const chat: GenerationEndpoint = { parse: parseChatRequest, format: chatFormat };
const generate: GenerationEndpoint = { parse: parseGenerateRequest, format: generateFormat };

/** Request fields of OpenAI's API reference that both of its endpoints have. */
const OPENAI_SHARED_FIELDS = [
  'model',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'max_tokens',
  'n',
  'presence_penalty',
  'seed',
  'stop',
  'stream',
  'stream_options',
  'temperature',
  'top_p',
  'user',
];
const OPENAI_COMPLETION_FIELDS = [...OPENAI_SHARED_FIELDS, 'prompt', 'best_of', 'echo', 'suffix'];
const OPENAI_CHAT_FIELDS = [
  ...OPENAI_SHARED_FIELDS,
  'messages',
  'max_completion_tokens',
  'metadata',
  'parallel_tool_calls',
  'reasoning_effort',
  'response_format',
  'service_tier',
  'store',
  'tool_choice',
  'tools',
  'top_logprobs',
];
const OPENAI_STREAM_OPTIONS = ['include_usage', 'include_obfuscation'];

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  vllm: {
    endpoints: { '/v1/completions': completions, '/v1/chat/completions': chat },
    pages: vllmPages,
    handOver: KV_TRANSFER,
  },
  sglang: {
    endpoints: { '/generate': generate, '/v1/completions': completions, '/v1/chat/completions': chat },
    pages: sglangPages,
    handOver: BOOTSTRAP,
  },
  // A hosted endpoint: it refuses fields that it does not know, and has no pages about itself.
  openai: {
    endpoints: {
      '/v1/completions': withOnlyFields(completions, OPENAI_COMPLETION_FIELDS),
      '/v1/chat/completions': withOnlyFields(chat, OPENAI_CHAT_FIELDS),
    },
    pages: openAiPages,
  },
  // The only other pages that it has are those of the web framework that it is made with.
  distserve: { endpoints: distserveEndpoints, pages: distservePages },
};

/** The endpoint, refusing requests with a field that is not among `fields`, or a stream option that OpenAI lacks. */
function withOnlyFields(endpoint: GenerationEndpoint, fields: readonly string[]): GenerationEndpoint {
  const parse = (text: string): GenerationRequest | InvalidRequest => {
    const request = endpoint.parse(text);
    if ('message' in request) return request;
    const body: unknown = JSON.parse(text);
    const options = typeof body === 'object' && body !== null && 'stream_options' in body ? body.stream_options : null;
    const param = unknownKey(body, fields) ?? unknownKey(options, OPENAI_STREAM_OPTIONS);
    return param === undefined ? request : { message: `Unrecognized request argument supplied: ${param}`, param };
  };
  return { ...endpoint, parse };
}

function unknownKey(object: unknown, known: readonly string[]): string | undefined {
  return Object.keys(object ?? {}).find((key) => !known.includes(key));
}
