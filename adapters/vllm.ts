import type { Codec, PromptMaker } from '../src/core/codec.ts';
import { ALL_CAPABILITIES } from './capabilities.ts';
import type { CodecOptions } from './codec-options.ts';
import { openAiRoutes } from './openai-routes.ts';

/**
 * vLLM: OpenAI's routes with the ids of every chunk, or the count of tokens so far, because chunks can hold many tokens,
 * and tokens can have no text. What an older server turned out not to know is left out.
 */
export function vllmCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  return openAiRoutes('vllm', options, prompts, options.capabilities ?? ALL_CAPABILITIES);
}
