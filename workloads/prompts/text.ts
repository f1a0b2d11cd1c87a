import type { Request } from '../../src/core/request.ts';
import { draw, type DrawKeys } from './draw.ts';
import { FIRST_WORDS, SHORT_WORDS } from './words.ts';

/** The words of texts with a known number of tokens. */
export interface Alphabet {
  /**
   * Begins every text: a capital word that is one token without a space before it. Chat templates trim spaces at the
   * ends.
   */
  readonly first: string;
  /** The words after it, each with a space before it. */
  readonly words: readonly string[];
}

/** How texts get their length, as plain data. */
export interface TextSpec extends Alphabet {
  /** Tokens that the server counts besides the words: those of a chat template, and a token for the beginning. */
  readonly overheadTokens: number;
  /** The same of an answer and the message behind it, where a chat goes on; absent: 0. */
  readonly turnOverheadTokens?: number;
  readonly tokensPerWord: number;
}

/** Words that are one token each in common vocabularies, for servers whose tokenizer is not known. */
export const PLAIN_ALPHABET: Alphabet = { first: FIRST_WORDS[0], words: SHORT_WORDS };
export const PLAIN_TEXT: TextSpec = { ...PLAIN_ALPHABET, overheadTokens: 0, tokensPerWord: 1 };

/**
 * Tokens of a chat template that may follow the text; the rest precede it. Templates in use end with 1 to 8 tokens.
 * Servers cache whole blocks of 16 tokens or more: sharing up to 15 tokens more than the trace has changes nothing,
 * sharing one fewer loses a block.
 */
const CLOSING_TOKENS = 16;

/**
 * Makes the text of a request: the first word and as many drawn words as give its input tokens, the server's overhead
 * included.
 */
export function textMaker(keys: DrawKeys, spec: TextSpec): (request: Request) => string {
  const { first, words, overheadTokens, tokensPerWord } = spec;
  const spaced = words.map((word) => ` ${word}`);
  const wordsAfterFirst = (tokens: number): number => Math.max(0, Math.round(tokens / tokensPerWord) - 1);
  // The template's tokens that surely precede the text replace the first tokens of the first block, so that shared
  // prefixes end where the trace has it.
  const opening = Math.max(0, overheadTokens - CLOSING_TOKENS);
  const upTo = (tokens: number): number => wordsAfterFirst(tokens - opening);
  return (request) => {
    const count = wordsAfterFirst(request.inputTokens - overheadTokens);
    let text = first;
    for (const index of draw(keys, request, words.length, { count, upTo })) text += spaced[index] ?? '';
    return text;
  };
}
