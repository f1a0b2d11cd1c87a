import type { Codec } from '../src/core/codec.ts';
import type { PromptMaker } from '../src/core/prompt-maker.ts';
import { ENDPOINTS, openAiCodec, type Endpoint, type OpenAiOptions } from './openai.ts';

export { ENDPOINTS, type Endpoint };

export type CodecOptions = OpenAiOptions;

/** Every dialect there is: adding one is a file and a line here. */
export const CODECS: Readonly<Record<string, (options: CodecOptions, prompts: PromptMaker) => Codec>> = {
  openai: openAiCodec,
};
