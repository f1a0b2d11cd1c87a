import type { Codec, PromptMaker } from '../src/core/codec.ts';
import type { Request } from '../src/core/request.ts';
import type { ServerCapabilities } from './capabilities.ts';
import { OpenAiStreamDecoder, type Carried } from './openai-stream-decoder.ts';
import { jsonCall } from './calls.ts';
import type { CodecOptions } from './codec-options.ts';
import { isObject, textAt } from './json.ts';
import { errorMessageOf } from './error-body.ts';

/**
 * OpenAI's completions and chat, streamed, with whatever the server knows beyond them: vLLM, SGLang and most front ends
 * speak these. Completions take the prompt as token ids where they may; chat takes text only, whose length in tokens is
 * told by the server's usage.
 */
export function openAiRoutes(
  name: string,
  options: CodecOptions,
  prompts: PromptMaker,
  capabilities: ServerCapabilities,
): Codec {
  const isChat = options.endpoint === 'chat';
  return {
    name,
    promptForm: isChat || !capabilities.tokenIdPrompts ? 'text' : 'ids',
    open: (request) => [
      jsonCall(
        isChat ? '/v1/chat/completions' : '/v1/completions',
        request,
        options.runId,
        isChat
          ? chatBody(request, options, prompts, capabilities)
          : completionBody(request, options, prompts, capabilities),
      ),
    ],
    decoder: (request, out) =>
      new OpenAiStreamDecoder(request.outputTokens, out, isChat ? carriedByDelta : carriedByText),
    errorMessage: errorMessageOf,
    example: (tokens) => exampleAnswer(tokens, isChat, capabilities),
  };
}

function completionBody(
  request: Request,
  options: CodecOptions,
  prompts: PromptMaker,
  capabilities: ServerCapabilities,
): object {
  const prompt = capabilities.tokenIdPrompts ? prompts.ids(request) : prompts.text(request);
  return body(request, options, capabilities, { prompt, max_tokens: request.outputTokens });
}

function chatBody(
  request: Request,
  options: CodecOptions,
  prompts: PromptMaker,
  capabilities: ServerCapabilities,
): object {
  const messages = [{ role: 'user', content: prompts.text(request) }];
  const most = capabilities.maxCompletionTokens ? 'max_completion_tokens' : 'max_tokens';
  return body(request, options, capabilities, { messages, [most]: request.outputTokens });
}

function body(request: Request, { model }: CodecOptions, can: ServerCapabilities, own: object): object {
  const usage = { include_usage: true, ...(countsByUsage(can) ? { continuous_usage_stats: true } : {}) };
  return {
    model: request.model ?? model,
    ...own,
    ...(can.minTokens ? { min_tokens: request.outputTokens } : {}),
    ...(can.ignoreEos ? { ignore_eos: true } : {}),
    temperature: 0,
    stream: true,
    ...(can.finalUsage ? { stream_options: usage } : {}),
    ...(can.returnTokenIds ? { return_token_ids: true } : {}),
  };
}

/** Ids alone say which tokens came; usage in every chunk is for where they cannot be had. */
function countsByUsage(can: ServerCapabilities): boolean {
  return can.finalUsage && can.continuousUsage && !can.returnTokenIds;
}

function carriedByText(choice: Readonly<Record<string, unknown>>): Carried {
  return { text: textAt(choice, 'text') ?? '', isReasoning: false };
}

/**
 * Content, reasoning (`reasoning` in vLLM, `reasoning_content` elsewhere; where both are there they are the same), a
 * tool call's arguments or a refusal. A chunk that names the role and nothing else is no token, and its time is not TTFT.
 */
function carriedByDelta(choice: Readonly<Record<string, unknown>>): Carried {
  const delta = choice['delta'];
  if (!isObject(delta)) return { text: '', isReasoning: false };
  const reasoning = textAt(delta, 'reasoning') || textAt(delta, 'reasoning_content') || '';
  const text = textAt(delta, 'content') || toolText(delta['tool_calls']) || textAt(delta, 'refusal') || '';
  if (text + reasoning === '' && textAt(delta, 'role') !== null) return { text: null, isReasoning: false };
  return { text: text + reasoning, isReasoning: text === '' && reasoning !== '' };
}

function toolText(calls: unknown): string {
  if (!Array.isArray(calls)) return '';
  const [called]: unknown[] = calls;
  const named = isObject(called) ? called['function'] : null;
  return (textAt(named, 'name') ?? '') + (textAt(named, 'arguments') ?? '');
}

function exampleAnswer(tokens: number, isChat: boolean, can: ServerCapabilities): string {
  const head = `data: {"id":"example","object":"text_completion","created":0,"model":"m","choices":[{"index":0,`;
  const text = isChat ? '"delta":{"content":" a"}' : '"text":" a"';
  let events = '';
  for (let i = 1; i <= tokens; i++) {
    const ids = can.returnTokenIds ? ',"token_ids":[7]' : '';
    const usage = countsByUsage(can)
      ? `,"usage":{"prompt_tokens":64,"total_tokens":${64 + i},"completion_tokens":${i}}`
      : '';
    events += `${head}${text},"logprobs":null,"finish_reason":${i === tokens ? '"length"' : 'null'}${ids}}]${usage}}\n\n`;
  }
  return `${events}data: [DONE]\n\n`;
}
