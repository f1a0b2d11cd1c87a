import type { Codec } from '../src/core/codec.ts';
import type { PromptMaker } from '../src/core/prompt-maker.ts';
import type { CodecOptions, Endpoint } from './codec-options.ts';
import { openAiCodec } from './openai.ts';
import { sglangCodec } from './sglang.ts';
import { vllmCodec } from './vllm.ts';

export { EVERY_ABILITY, type Ability, type ServerAbilities } from './capabilities.ts';
export { ENDPOINTS, type CodecOptions, type Endpoint } from './codec-options.ts';

interface Adapter {
  readonly codec: (options: CodecOptions, prompts: PromptMaker) => Codec;
  /** The first is used unless another is asked for. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]];
}

/** Every dialect there is: adding one is a file and a line here. */
export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  openai: { codec: openAiCodec, endpoints: ['completions', 'chat'] },
  vllm: { codec: vllmCodec, endpoints: ['completions', 'chat'] },
  sglang: { codec: sglangCodec, endpoints: ['generate', 'completions', 'chat'] },
};

/** The codec of a dialect in the list. */
export function makeCodec(adapter: string, options: CodecOptions, prompts: PromptMaker): Codec {
  const known = ADAPTERS[adapter];
  if (known === undefined) throw new Error(`no adapter ${adapter}`);
  return known.codec(options, prompts);
}
