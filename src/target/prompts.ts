import type { Codec, PromptMaker } from '../core/codec.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Plan } from '../core/plan.ts';
import { threeFigures } from '../core/units.ts';
import { countText } from '../serving/count-text.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { PLAIN_ALPHABET, promptMaker, type PromptSpec, type TextSpec } from '../../workloads/index.ts';
import { wordsOfServer, type WordSource } from './vocabulary.ts';

/** How a run's prompts are made, and what its manifest says of it. */
export interface Prompts {
  readonly spec: PromptSpec;
  readonly facts: NonNullable<Manifest['prompts']>;
}

/** Decides how prompts are made for what `makeCodec` speaks, and measures what has to be measured on the server. */
export async function preparePrompts(
  plan: Plan,
  tokenizer: string | null,
  file: WordSource | null,
  access: ServerAccess,
  model: string,
  makeCodec: (prompts: PromptMaker) => Codec,
  warn: (text: string) => void,
): Promise<Prompts> {
  const keys = { seed: plan.seed, blockTokens: plan.source.blockTokens ?? null };
  if (makeCodec(promptMaker(keys)).promptForm === 'ids') {
    if (tokenizer !== null)
      warn('--tokenizer is not needed here: prompts are sent as token ids, which are exact as they are');
    return { spec: keys, facts: { form: 'ids', lengths: 'exact', tokenizer: null } };
  }
  const source = file ?? (tokenizer === null ? null : await wordsOfServer(access, model));
  const { text, isExact } = await measured(source, access, makeCodec, warn);
  const shortest = plan.stats.minInputTokens;
  if (shortest < text.overheadTokens + text.tokensPerWord)
    warn(
      `the shortest prompt of the trace has ${shortest} input tokens, and the server adds ${threeFigures(text.overheadTokens)} of its own to each: such prompts are one word, and longer than the trace says`,
    );
  return {
    spec: { ...keys, text },
    facts: {
      form: 'text',
      lengths: isExact ? 'exact' : 'approximate',
      tokenizer: source?.name ?? null,
      ...(source === null || source.sha256 === null ? {} : { tokenizer_sha256: source.sha256 }),
      overhead_tokens: text.overheadTokens,
      tokens_per_word: text.tokensPerWord,
    },
  };
}

/** Words behind the first in the longer of two texts whose lengths the server is asked for. */
const PROBE_WORDS = 32;

/** What the server counts for a text beyond its words, from two texts of different lengths. */
async function measured(
  source: WordSource | null,
  access: ServerAccess,
  makeCodec: (prompts: PromptMaker) => Codec,
  warn: (text: string) => void,
): Promise<{ text: TextSpec; isExact: boolean }> {
  const { first, words } = source?.alphabet ?? PLAIN_ALPHABET;
  // All plain words, where their mean is what is to be known; otherwise some from the whole list.
  const spacing = source === null ? 1 : Math.floor(words.length / PROBE_WORDS);
  const more = words.filter((_, i) => i % spacing === 0);
  const short = await countText(access, makeCodec, first);
  const long = 'fault' in short ? short : await countText(access, makeCodec, [first, ...more].join(' '));
  const text = { first, words, overheadTokens: 0, tokensPerWord: 1 };
  if ('fault' in short || 'fault' in long) {
    const fault = 'fault' in short ? short.fault : 'fault' in long ? long.fault : '';
    warn(`the length of prompts as the server counts it could not be measured (${fault}): they are approximate`);
    return { text, isExact: false };
  }
  const tokensPerWord = (long.tokens - short.tokens) / more.length;
  if (tokensPerWord <= 0) {
    warn(
      `the server counts ${long.tokens} tokens for ${more.length + 1} words and ${short.tokens} for one: prompts are approximate`,
    );
    return { text, isExact: false };
  }
  const isExact = source !== null && tokensPerWord === 1;
  if (source === null)
    warn('prompts are plain words and their lengths approximate; --tokenizer FILE, or server, makes them exact');
  if (source !== null && !isExact)
    warn(
      `the server counts ${threeFigures(tokensPerWord)} tokens for a word that --tokenizer ${source.name} says is one: prompts are approximate; is it the tokenizer of the model that is served?`,
    );
  return { text: { ...text, overheadTokens: Math.max(0, short.tokens - tokensPerWord), tokensPerWord }, isExact };
}
