import type { Codec, PromptMaker } from '../core/codec.ts';
import type { Log } from '../core/log.ts';
import type { Plan } from '../core/plan.ts';
import { randomStream, type Random } from '../core/random.ts';
import { threeFigures } from '../core/units.ts';
import type { ServerAccess } from '../replay/transport.ts';
import type { Manifest } from '../schema/manifest.ts';
import { countPrompt } from '../serving/count-prompt.ts';
import { PLAIN_ALPHABET, promptMaker, type PromptSpec, type TextSpec } from '../../workloads/prompts/index.ts';
import { vocabularyOfServer, type Vocabulary } from './vocabulary.ts';

/** The form of prompts for a server, measured once: the same for every run against it. */
export interface PromptFacts {
  /** How texts are made; null where prompts are token ids. */
  readonly text: TextSpec | null;
  /** The facts for a run's manifest. */
  readonly facts: NonNullable<Manifest['prompts']>;
}

/** The server to measure, and its codec. */
export interface PromptServer {
  readonly endpoints: readonly [ServerAccess, ...ServerAccess[]];
  readonly model: string;
  readonly makeCodec: (prompts: PromptMaker) => Codec;
}

/** Decides how prompts are made for a codec, and measures on the server the tokens that it adds to each. */
export async function measurePrompts(
  server: PromptServer,
  tokenizer: string | null,
  { vocabulary, salt }: { readonly vocabulary: Vocabulary | null; readonly salt: string | null },
  log: Log,
): Promise<PromptFacts> {
  const { endpoints, model, makeCodec } = server;
  if (makeCodec(promptMaker({ seed: 0, blockTokens: null })).promptForm === 'ids') {
    if (tokenizer !== null)
      log.warn('--tokenizer is not needed here: prompts are sent as token ids, which are exact as they are');
    return { text: null, facts: { form: 'ids', lengths: 'exact', tokenizer: null } };
  }
  const known = vocabulary ?? (tokenizer === null ? null : await vocabularyOfServer(endpoints[0], model));
  const measured = await measureText({ vocabulary: known, salt }, server, log);
  const { historyForm } = makeCodec(promptMaker({ seed: 0, blockTokens: null }));
  const text = historyForm === 'messages' ? await withTurnOverhead(measured.text, server, log) : measured.text;
  // Answers are tokenized anew in the prompts that repeat them.
  const isExact = measured.isExact && historyForm === undefined;
  return {
    text,
    facts: {
      form: 'text',
      lengths: isExact ? 'exact' : 'approximate',
      tokenizer: known?.name ?? null,
      ...(known === null || known.sha256 === null ? {} : { tokenizer_sha256: known.sha256 }),
      overhead_tokens: text.overheadTokens,
      tokens_per_word: text.tokensPerWord,
    },
  };
}

/** The form of prompts that the trace has itself, which nothing is measured for. */
export function promptsOfTrace({ promptForm: form }: Codec): PromptFacts {
  return { text: null, facts: { form, lengths: 'own', tokenizer: null } };
}

/** The spec of a plan's prompts. Warns if some are shorter than the tokens that the server adds to each. */
export function promptSpec({ text }: PromptFacts, plan: Plan, log: Log): PromptSpec {
  const keys = { seed: plan.seed, salt: plan.salt, blockTokens: plan.source.blockTokens ?? null };
  if (text === null) return keys;
  const shortest = plan.stats.minInputTokens;
  if (shortest < text.overheadTokens + text.tokensPerWord)
    log.warn(
      `the shortest prompt of the trace has ${shortest} input tokens, and the server adds ${threeFigures(text.overheadTokens)} of its own to each: such prompts are one word, and longer than the trace says`,
    );
  return { ...keys, text };
}

/**
 * The spec of prompts besides those of the run, such as those of its warm-up requests: they share nothing with it, whatever
 * the ids of its requests.
 */
export function apart(spec: PromptSpec, purpose: string): PromptSpec {
  return { ...spec, salt: `${spec.salt ?? ''}/${purpose}` };
}

/** Words after the first in the longer of the two probe texts. */
const PROBE_WORDS = 32;

/** The tokens that the server counts beyond the words of a text, from two texts of different lengths. */
async function measureText(
  { vocabulary, salt }: { readonly vocabulary: Vocabulary | null; readonly salt: string | null },
  { endpoints, makeCodec }: PromptServer,
  log: Log,
): Promise<{ text: TextSpec; isExact: boolean }> {
  const { first, words } = vocabulary?.alphabet ?? PLAIN_ALPHABET;
  // All plain words where their mean token count is unknown; otherwise some from the whole list.
  const spacing = vocabulary === null ? 1 : Math.floor(words.length / PROBE_WORDS);
  const more = shuffled(
    words.filter((_, i) => i % spacing === 0),
    randomStream(1, 'prompt-length', salt ?? ''),
  );
  const short = await countPrompt(endpoints, makeCodec, { kind: 'text', text: first });
  const long =
    'fault' in short
      ? short
      : await countPrompt(endpoints, makeCodec, { kind: 'text', text: [first, ...more].join(' ') });
  const text = { first, words, overheadTokens: 0, tokensPerWord: 1 };
  if ('fault' in short || 'fault' in long) {
    const { fault, isUntold } = 'fault' in short ? short : 'fault' in long ? long : { fault: '', isUntold: false };
    const { isWholePrompt = false } = makeCodec(promptMaker({ seed: 0, blockTokens: null }));
    const isCountable = isUntold && isWholePrompt;
    // A tokenizer tells all there is to tell where nothing stands around the text.
    if (isCountable && vocabulary !== null && vocabulary.specialTokens !== null)
      return { text: { ...text, overheadTokens: vocabulary.specialTokens }, isExact: true };
    log.warn(
      `the length of prompts as the server counts it could not be measured (${fault}): they are approximate${isCountable ? '; --tokenizer FILE makes them exact' : ''}`,
    );
    return { text, isExact: false };
  }
  const tokensPerWord = (long.tokens - short.tokens) / more.length;
  if (tokensPerWord <= 0) {
    log.warn(
      `the server counts ${long.tokens} tokens for ${more.length + 1} words and ${short.tokens} for one: prompts are approximate`,
    );
    return { text, isExact: false };
  }
  const isExact = vocabulary !== null && tokensPerWord === 1;
  if (vocabulary === null)
    log.warn('prompts are plain words and their lengths approximate; --tokenizer FILE, or server, makes them exact');
  if (vocabulary !== null && !isExact)
    log.warn(
      `the server counts ${threeFigures(tokensPerWord)} tokens for a word that --tokenizer ${vocabulary.name} says is one: prompts are approximate; is it the tokenizer of the model that is served?`,
    );
  return { text: { ...text, overheadTokens: Math.max(0, short.tokens - tokensPerWord), tokensPerWord }, isExact };
}

/** With the tokens that the server adds to an answer and the message behind it, from a chat of three messages. */
async function withTurnOverhead(text: TextSpec, { endpoints, makeCodec }: PromptServer, log: Log): Promise<TextSpec> {
  const { first, overheadTokens, tokensPerWord } = text;
  const messages = ['user', 'assistant', 'user'].map((role) => ({ role, content: first }));
  const counted = await countPrompt(endpoints, makeCodec, { kind: 'messages', messages });
  if ('tokens' in counted)
    return { ...text, turnOverheadTokens: Math.max(0, counted.tokens - overheadTokens - 3 * tokensPerWord) };
  log.warn(`the tokens that the server adds to each further message could not be measured (${counted.fault})`);
  return text;
}

/** In an order of the salt's own, so that no earlier run has left the text in the server's cache. */
function shuffled(words: readonly string[], random: Random): string[] {
  return words
    .map((word) => ({ word, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ word }) => word);
}
