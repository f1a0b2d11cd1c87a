import type { Codec } from '../src/core/codec.ts';
import type { PromptMaker } from '../src/core/prompt-maker.ts';
import type { CodecOptions, Endpoint } from './codec-options.ts';
import { openAiCodec } from './openai.ts';
import { sglangCodec } from './sglang.ts';
import { vllmCodec } from './vllm.ts';

export { EVERY_ABILITY, type Ability, type ServerAbilities } from './abilities.ts';
export { ENDPOINTS, type CodecOptions, type Endpoint } from './codec-options.ts';

/** Every dialect there is: adding one is a file and a line here, and one in `ADAPTER_ENDPOINTS`. */
export const CODECS: Readonly<Record<string, (options: CodecOptions, prompts: PromptMaker) => Codec>> = {
  openai: openAiCodec,
  vllm: vllmCodec,
  sglang: sglangCodec,
};

/** The endpoints of each dialect, the one that is used unless another is asked for first. */
export const ADAPTER_ENDPOINTS: Readonly<Record<string, readonly [Endpoint, ...Endpoint[]]>> = {
  openai: ['completions', 'chat'],
  vllm: ['completions', 'chat'],
  sglang: ['generate', 'completions', 'chat'],
};
