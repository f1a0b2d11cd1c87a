import type { Call, Codec } from '../src/core/codec.ts';
import type { PromptMaker } from '../src/core/prompt-maker.ts';
import type { Request } from '../src/core/request.ts';
import { AnswerDecoder, type Carried } from './answer-decoder.ts';
import { isObject, textAt } from './json.ts';
import { refusalText } from './refusal.ts';

export const ENDPOINTS = ['completions', 'chat'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export interface OpenAiOptions {
  readonly endpoint: Endpoint;
  /** Sent where the trace names no model. */
  readonly model: string;
  /** Prefix of `X-Request-Id`, so that a slow request can be found in the server's log. */
  readonly runId: string;
}

/**
 * OpenAI completions and chat, streamed, the output held to the planned length (`ignore_eos`, vLLM's and SGLang's
 * extension). Completions take the prompt as token ids, so that its length is exact by construction; chat takes text
 * only, whose length in tokens the server's usage tells.
 */
export function openAiCodec(options: OpenAiOptions, prompts: PromptMaker): Codec {
  const isChat = options.endpoint === 'chat';
  return {
    name: 'openai',
    promptForm: isChat ? 'text' : 'ids',
    open: (request) => [isChat ? chatCall(request, options, prompts) : completionCall(request, options, prompts)],
    decoder: (request, out) => new AnswerDecoder(request.outputTokens, out, isChat ? carriedByDelta : carriedByText),
    refusal: refusalText,
  };
}

function completionCall(request: Request, options: OpenAiOptions, prompts: PromptMaker): Call {
  const { outputTokens } = request;
  const prompt = prompts.ids(request);
  return call('/v1/completions', request, options, { prompt, max_tokens: outputTokens, min_tokens: outputTokens });
}

function chatCall(request: Request, options: OpenAiOptions, prompts: PromptMaker): Call {
  const { outputTokens } = request;
  const messages = [{ role: 'user', content: prompts.text(request) }];
  return call('/v1/chat/completions', request, options, {
    messages,
    max_completion_tokens: outputTokens,
    min_tokens: outputTokens,
  });
}

function call(path: string, request: Request, { model, runId }: OpenAiOptions, own: object): Call {
  const body = {
    model: request.model ?? model,
    ...own,
    ignore_eos: true,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true },
  };
  return {
    id: 0,
    role: 'stream',
    path,
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'x-request-id': `${runId}-${request.id}`,
    },
    // Bytes of their own, not of Buffer's pool, so that they can be transferred between threads.
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}

function carriedByText(choice: Readonly<Record<string, unknown>>): Carried {
  return { text: textAt(choice, 'text') ?? '', isReasoning: false };
}

/**
 * Content, reasoning (`reasoning` in vLLM, `reasoning_content` elsewhere; where both are there they are the same) or a
 * tool call's arguments. A chunk that names the role and nothing else is no token, and its time is not TTFT.
 */
function carriedByDelta(choice: Readonly<Record<string, unknown>>): Carried {
  const delta = choice['delta'];
  if (!isObject(delta)) return { text: '', isReasoning: false };
  const reasoning = textAt(delta, 'reasoning') || textAt(delta, 'reasoning_content') || '';
  const text = textAt(delta, 'content') || toolText(delta['tool_calls']);
  if (text + reasoning === '' && 'role' in delta) return { text: null, isReasoning: false };
  return { text: text + reasoning, isReasoning: text === '' && reasoning !== '' };
}

function toolText(calls: unknown): string {
  if (!Array.isArray(calls)) return '';
  const [called]: unknown[] = calls;
  const named = isObject(called) ? called['function'] : null;
  return (textAt(named, 'name') ?? '') + (textAt(named, 'arguments') ?? '');
}
