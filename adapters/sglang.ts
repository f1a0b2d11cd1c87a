import type { Codec, PromptMaker } from '../src/core/codec.ts';
import type { Request } from '../src/core/request.ts';
import { ALL_CAPABILITIES, type ServerCapabilities } from './capabilities.ts';
import { jsonCall, requestId } from './calls.ts';
import type { CodecOptions } from './codec-options.ts';
import { GenerateDecoder } from './generate-decoder.ts';
import { openAiRoutes } from './openai-routes.ts';
import { errorMessageOf } from './error-body.ts';

/** SGLang: its own `/generate`, which tells the count of tokens with each event, or OpenAI's routes. */
export function sglangCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  // It has no return_token_ids.
  const capabilities: ServerCapabilities = { ...(options.capabilities ?? ALL_CAPABILITIES), returnTokenIds: false };
  if (options.endpoint !== 'generate') return openAiRoutes('sglang', options, prompts, capabilities);
  return {
    name: 'sglang',
    promptForm: capabilities.tokenIdPrompts ? 'ids' : 'text',
    open: (request) => [
      jsonCall('/generate', request, options.runId, generateBody(request, options, prompts, capabilities)),
    ],
    decoder: (request, out) => new GenerateDecoder(request.outputTokens, out),
    errorMessage: errorMessageOf,
    example: exampleAnswer,
  };
}

function generateBody(
  request: Request,
  { runId }: CodecOptions,
  prompts: PromptMaker,
  can: ServerCapabilities,
): object {
  return {
    ...(can.tokenIdPrompts ? { input_ids: prompts.ids(request) } : { text: prompts.text(request) }),
    sampling_params: {
      temperature: 0,
      max_new_tokens: request.outputTokens,
      ...(can.minTokens ? { min_new_tokens: request.outputTokens } : {}),
      ...(can.ignoreEos ? { ignore_eos: true } : {}),
    },
    stream: true,
    rid: requestId(request, runId),
  };
}

function exampleAnswer(tokens: number): string {
  let events = '';
  for (let i = 1; i <= tokens; i++) {
    const finish = i === tokens ? `{"type":"length","length":${tokens}}` : 'null';
    events += `data: {"text":"${' a'.repeat(i)}","meta_info":{"id":"example","finish_reason":${finish},"prompt_tokens":64,"completion_tokens":${i},"cached_tokens":0}}\n\n`;
  }
  return `${events}data: [DONE]\n\n`;
}
