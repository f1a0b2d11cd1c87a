import type { PromptMaker } from '../src/core/codec.ts';
import type { Request } from '../src/core/request.ts';
import { USUAL_BODY } from './body-options.ts';
import { CHAT, textOf } from './chat-delta.ts';
import {
  ALL_CAPABILITIES,
  jsonCall,
  type CodecOptions,
  type Dialect,
  type ServerCapabilities,
} from './codec-options.ts';
import { errorMessageOf } from './error-shape.ts';
import { SharedShapes } from './event-shape.ts';
import { EventStream } from './event-stream.ts';
import { textAt, type Json } from './json.ts';
import { OpenAiEvents, type ChoiceContent, type ChoiceReader } from './openai-events.ts';
import { messagesOf, modelOf, mostTokens, ownBody, ownParams, promptOf } from './own-prompt.ts';

/** `ignore_eos` and `min_tokens` are not OpenAI's, but supported nearly everywhere that is not hosted. */
const USUAL_CAPABILITIES: ServerCapabilities = { ...ALL_CAPABILITIES, continuousUsage: false, returnTokenIds: false };

/** Any server with OpenAI's completions or chat. */
export function openAiCodec(options: CodecOptions, prompts: PromptMaker): Dialect {
  return openAiRoutes('openai', options, prompts, options.capabilities ?? USUAL_CAPABILITIES);
}

/**
 * vLLM: OpenAI's routes with the ids of every event, or the count of tokens so far, because its events can hold many
 * tokens, and tokens can have no text. Fields that an older version does not support are left out.
 */
export function vllmCodec(options: CodecOptions, prompts: PromptMaker): Dialect {
  return openAiRoutes('vllm', options, prompts, options.capabilities ?? ALL_CAPABILITIES);
}

/**
 * OpenAI's completions and chat, streamed, with the capabilities that the server has beyond them: vLLM, SGLang and most
 * front ends have these routes. Completions take the prompt as token ids where the server allows it; chat takes text
 * only, whose length in tokens comes from the server's usage.
 */
export function openAiRoutes(
  name: string,
  options: CodecOptions,
  prompts: PromptMaker,
  capabilities: ServerCapabilities,
): Dialect {
  const { endpoint, keepAnswers = false } = options;
  const isChat = endpoint === 'chat';
  // Where answers are to be repeated, their ids have to be known.
  const hasIds = !isChat && capabilities.tokenIdPrompts && (!keepAnswers || capabilities.returnTokenIds);
  const promptForm = hasIds ? 'ids' : 'text';
  const route = isChat ? '/v1/chat/completions' : '/v1/completions';
  const fieldsOf = isChat ? chatFields : completionFields;
  const body = (request: Request): Json => {
    const own = ownBody(request);
    const known = { ...capabilities, tokenIdPrompts: hasIds };
    return own === null
      ? requestBody(request, options, capabilities, fieldsOf(request, prompts, known))
      : { ...own, model: modelOf(request, options), ...streamFields(capabilities) };
  };
  const shapes = new SharedShapes<ChoiceContent>();
  const reader = isChat ? CHAT : COMPLETIONS;
  return {
    name,
    promptForm,
    ...(keepAnswers ? { historyForm: isChat ? 'messages' : promptForm } : {}),
    route,
    body,
    open: (request) => [jsonCall(route, request, options, body(request))],
    decoder: (request, out) =>
      new EventStream(
        mostTokens(request),
        new OpenAiEvents(out, mostTokens(request), reader, { shapes, keepsAnswer: keepAnswers }),
      ),
    errorMessage: errorMessageOf,
    example: (tokens) => exampleResponse(tokens, isChat, capabilities),
  };
}

function completionFields(request: Request, prompts: PromptMaker, { tokenIdPrompts }: ServerCapabilities): object {
  const prompt = promptOf(request, prompts, tokenIdPrompts);
  return { prompt, max_tokens: request.outputTokens };
}

function chatFields(request: Request, prompts: PromptMaker, { maxCompletionTokens }: ServerCapabilities): object {
  const messages = messagesOf(request, prompts);
  return { messages, [maxCompletionTokens ? 'max_completion_tokens' : 'max_tokens']: request.outputTokens };
}

function requestBody(request: Request, options: CodecOptions, capabilities: ServerCapabilities, fields: object): Json {
  const { body = USUAL_BODY } = options;
  return {
    model: modelOf(request, options),
    ...fields,
    ...(capabilities.minTokens && body.ignoreEos ? { min_tokens: request.outputTokens } : {}),
    ...(capabilities.ignoreEos && body.ignoreEos ? { ignore_eos: true } : {}),
    temperature: body.temperature,
    ...streamFields(capabilities),
    ...ownParams(request),
  };
}

/** The fields by which an answer is streamed and its tokens are counted. */
function streamFields(capabilities: ServerCapabilities): object {
  const usage = { include_usage: true, ...(countsByUsage(capabilities) ? { continuous_usage_stats: true } : {}) };
  return {
    stream: true,
    ...(capabilities.finalUsage ? { stream_options: usage } : {}),
    ...(capabilities.returnTokenIds ? { return_token_ids: true } : {}),
  };
}

/** Usage in every event is requested only where ids cannot be had: ids are enough to count tokens. */
function countsByUsage({ finalUsage, continuousUsage, returnTokenIds }: ServerCapabilities): boolean {
  return finalUsage && continuousUsage && !returnTokenIds;
}

const COMPLETIONS: ChoiceReader = {
  contentOf: (choice) => (textAt(choice, 'text') === null ? CHAT.contentOf(choice) : textOf(choice)),
  splitsReasoning: false,
};

function exampleResponse(tokens: number, isChat: boolean, capabilities: ServerCapabilities): string {
  const head = `data: {"id":"example","object":"text_completion","created":0,"model":"m","choices":[{"index":0,`;
  const text = isChat ? '"delta":{"content":" a"}' : '"text":" a"';
  let events = '';
  for (let i = 1; i <= tokens; i++) {
    const ids = capabilities.returnTokenIds ? ',"token_ids":[7]' : '';
    const usage = countsByUsage(capabilities)
      ? `,"usage":{"prompt_tokens":64,"total_tokens":${64 + i},"completion_tokens":${i}}`
      : '';
    events += `${head}${text},"logprobs":null,"finish_reason":${i === tokens ? '"length"' : 'null'}${ids}}]${usage}}\n\n`;
  }
  return `${events}data: [DONE]\n\n`;
}
