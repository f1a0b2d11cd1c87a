import { parseChatRequest } from './chat-request.ts';
import { ChatText } from './chat-text.ts';
import { parseCompletionRequest } from './completion-request.ts';
import { CompletionText } from './completion-text.ts';
import { parseGenerateRequest } from './generate-request.ts';
import { GenerateText } from './generate-text.ts';
import type { GenerationEndpoint } from './generation.ts';
import { CHAT_FIELDS, COMPLETION_FIELDS, refusingOthers } from './openai-fields.ts';
import type { Routes, ServerParts } from './routes.ts';
import { sglangRoutes } from './sglang-routes.ts';
import { vllmRoutes } from './vllm-routes.ts';

export const DIALECT_NAMES = ['vllm', 'sglang', 'openai'] as const;
export type DialectName = (typeof DIALECT_NAMES)[number];

/** Whose server the engine's own looks like. */
export interface Dialect {
  /** Endpoints that generate, by path. */
  readonly generation: Readonly<Record<string, GenerationEndpoint>>;
  /** What else there is. */
  readonly routes: (parts: ServerParts) => Routes;
}

const completions: GenerationEndpoint = {
  parse: parseCompletionRequest,
  text: (request, requestId, model) => new CompletionText(request, requestId, model),
};
const chat: GenerationEndpoint = {
  parse: parseChatRequest,
  text: (request, requestId, model) => new ChatText(request, requestId, model),
};

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  vllm: { generation: { '/v1/completions': completions, '/v1/chat/completions': chat }, routes: vllmRoutes },
  sglang: {
    generation: {
      '/generate': {
        parse: parseGenerateRequest,
        text: (request, requestId) => new GenerateText(request, requestId),
      },
      '/v1/completions': completions,
      '/v1/chat/completions': chat,
    },
    routes: sglangRoutes,
  },
  // A hosted endpoint: it refuses what it does not know, and tells nothing of itself.
  openai: {
    generation: {
      '/v1/completions': { ...completions, parse: refusingOthers(COMPLETION_FIELDS, parseCompletionRequest) },
      '/v1/chat/completions': { ...chat, parse: refusingOthers(CHAT_FIELDS, parseChatRequest) },
    },
    routes: () => ({}),
  },
};
