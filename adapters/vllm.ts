import type { Codec } from '../src/core/codec.ts';
import type { PromptMaker } from '../src/core/prompt-maker.ts';
import { EVERY_ABILITY } from './capabilities.ts';
import type { CodecOptions } from './codec-options.ts';
import { openAiRoutes } from './openai-routes.ts';

/**
 * vLLM: OpenAI's routes with the ids of every chunk, or the count of tokens so far, because chunks can hold many tokens,
 * and tokens can have no text. What an older server turned out not to know is left out.
 */
export function vllmCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  return openAiRoutes('vllm', options, prompts, options.abilities ?? EVERY_ABILITY);
}
