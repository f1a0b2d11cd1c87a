import type { Request } from '../../src/core/request.ts';
import { draw, type DrawKeys } from './draw.ts';
import { FIRST_WORDS, SHORT_WORDS } from './words.ts';

/** The words that make texts of a known number of tokens. */
export interface Alphabet {
  /** Begins every text: a capital word that is a token without a space before it. Templates trim spaces at the ends. */
  readonly first: string;
  /** Follow it, each with a space before it. */
  readonly words: readonly string[];
}

/** How texts get their length, as plain data. */
export interface TextSpec extends Alphabet {
  /** What the server counts besides the words: the marks of a chat template, a token for the beginning. */
  readonly overheadTokens: number;
  readonly tokensPerWord: number;
}

/** Words that are a token each in common vocabularies, for servers whose tokenizer is not at hand. */
export const PLAIN_ALPHABET: Alphabet = { first: FIRST_WORDS[0], words: SHORT_WORDS };
export const PLAIN_TEXT: TextSpec = { ...PLAIN_ALPHABET, overheadTokens: 0, tokensPerWord: 1 };

/**
 * Of what a chat template adds, how much may stand behind the text; the rest stands before it. Templates in use end with
 * 1 to 8 tokens. Servers cache whole blocks of 16 tokens or more: to share up to 15 more than the trace says changes
 * nothing, to share one fewer loses a block.
 */
const CLOSING_TOKENS = 16;

/** The first word and as many drawn words as make up the request's input tokens with what the server adds. */
export function promptText(keys: DrawKeys, spec: TextSpec, request: Request): string {
  const { first, words, overheadTokens, tokensPerWord } = spec;
  const behindFirst = (tokens: number): number => Math.max(0, Math.round(tokens / tokensPerWord) - 1);
  // What surely stands before the text takes the place of the first block's first tokens, so that what requests share
  // ends where the trace says.
  const opening = Math.max(0, overheadTokens - CLOSING_TOKENS);
  const drawn = draw(keys, request, words.length, {
    count: behindFirst(request.inputTokens - overheadTokens),
    upTo: (tokens) => behindFirst(tokens - opening),
  });
  return [first, ...drawn.map((index) => words[index] ?? '')].join(' ');
}
