import type { Codec } from '../src/core/codec.ts';
import type { PromptMaker } from '../src/core/prompt-maker.ts';
import { EVERY_ABILITY, type ServerAbilities } from './capabilities.ts';
import type { CodecOptions } from './codec-options.ts';
import { openAiRoutes } from './openai-routes.ts';

/** `ignore_eos` and `min_tokens` are not OpenAI's, but known nearly everywhere that is not hosted. */
const USUAL: ServerAbilities = { ...EVERY_ABILITY, continuousUsage: false, returnTokenIds: false };

/** Any server with OpenAI's completions or chat. */
export function openAiCodec(options: CodecOptions, prompts: PromptMaker): Codec {
  return openAiRoutes('openai', options, prompts, options.abilities ?? USUAL);
}
