import type { Codec, PromptMaker } from '../src/core/codec.ts';
import type { CodecOptions, ApiEndpoint } from './codec-options.ts';
import { openAiCodec } from './openai.ts';
import { sglangCodec } from './sglang.ts';
import { vllmCodec } from './vllm.ts';

export { ALL_CAPABILITIES, type Capability, type ServerCapabilities } from './capabilities.ts';
export { API_ENDPOINTS, type CodecOptions, type ApiEndpoint } from './codec-options.ts';

interface Adapter {
  readonly codec: (options: CodecOptions, prompts: PromptMaker) => Codec;
  /** The first is used unless another is asked for. */
  readonly endpoints: readonly [ApiEndpoint, ...ApiEndpoint[]];
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
