import type { Codec } from '../src/core/codec.ts';
import { EVERY_ABILITY } from './abilities.ts';
import type { CodecOptions } from './codec-options.ts';
import { openAiRoutes } from './openai-routes.ts';

/**
 * vLLM: OpenAI's routes with the count of tokens so far in every chunk, because chunks can hold many tokens, and tokens
 * can have no text. What an older server turned out not to know is left out.
 */
export function vllmCodec(options: CodecOptions): Codec {
  return openAiRoutes('vllm', options, options.abilities ?? EVERY_ABILITY);
}
