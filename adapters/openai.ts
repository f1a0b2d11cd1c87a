import type { Codec, PromptMaker } from '../src/core/codec.ts';
import { ALL_CAPABILITIES, type ServerCapabilities } from './capabilities.ts';
import type { CodecOptions } from './codec-options.ts';
import { openAiRoutes } from './openai-routes.ts';

/** `ignore_eos` and `min_tokens` are not OpenAI's, but known nearly everywhere that is not hosted. */
const USUAL: ServerCapabilities = { ...ALL_CAPABILITIES, continuousUsage: false, returnTokenIds: false };

/** Any server with OpenAI's completions or chat. */
export function openAiCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  return openAiRoutes('openai', options, prompts, options.capabilities ?? USUAL);
}
