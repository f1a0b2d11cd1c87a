import type { Codec } from '../src/core/codec.ts';
import type { PromptMaker } from '../src/core/prompt-maker.ts';
import type { Request } from '../src/core/request.ts';
import { EVERY_ABILITY, type ServerAbilities } from './capabilities.ts';
import { jsonCall, requestId } from './calls.ts';
import type { CodecOptions } from './codec-options.ts';
import { GenerateDecoder } from './generate-decoder.ts';
import { openAiRoutes } from './openai-routes.ts';
import { refusalText } from './error-body.ts';

/** SGLang: its own `/generate`, which tells the count of tokens with each event, or OpenAI's routes. */
export function sglangCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  // It has no return_token_ids.
  const abilities: ServerAbilities = { ...(options.abilities ?? EVERY_ABILITY), returnTokenIds: false };
  if (options.endpoint !== 'generate') return openAiRoutes('sglang', options, prompts, abilities);
  return {
    name: 'sglang',
    promptForm: abilities.tokenIdPrompts ? 'ids' : 'text',
    open: (request) => [
      jsonCall('/generate', request, options.runId, generateBody(request, options, prompts, abilities)),
    ],
    decoder: (request, out) => new GenerateDecoder(request.outputTokens, out),
    refusal: refusalText,
    example: exampleAnswer,
  };
}

function generateBody(request: Request, { runId }: CodecOptions, prompts: PromptMaker, can: ServerAbilities): object {
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
