import { parseChatRequest } from './chat-request.ts';
import { ChatText } from './chat-text.ts';
import { parseCompletionRequest } from './completion-request.ts';
import { CompletionText } from './completion-text.ts';
import type { Dialect } from './generation.ts';

/** What each endpoint that generates speaks, by its path. */
export const DIALECTS: Readonly<Record<string, Dialect>> = {
  '/v1/completions': {
    parse: parseCompletionRequest,
    text: (request, requestId, model) => new CompletionText(request, requestId, model),
  },
  '/v1/chat/completions': {
    parse: parseChatRequest,
    text: (request, requestId, model) => new ChatText(request, requestId, model),
  },
};
