import type { Codec } from '../src/core/codec.ts';
import { openAiCodec, type OpenAiOptions } from './openai.ts';

export type CodecOptions = OpenAiOptions;

/** Every dialect there is: adding one is a file and a line here. */
export const CODECS: Readonly<Record<string, (options: CodecOptions) => Codec>> = {
  openai: openAiCodec,
};
