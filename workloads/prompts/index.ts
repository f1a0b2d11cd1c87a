import type { PromptMaker } from '../../src/core/codec.ts';
import { draw, type DrawKeys } from './draw.ts';
import { PLAIN_TEXT, promptText, type TextSpec } from './text.ts';

export { findAlphabet } from './alphabet.ts';
export { PLAIN_ALPHABET, type Alphabet, type TextSpec } from './text.ts';
export { readTokenizer } from './tokenizer-file.ts';
export { COMMON_WORDS } from './words.ts';

/**
 * Ids that every vocabulary in use has and that name no special token: low ids are special or single bytes in most
 * vocabularies, and small test models end at some thousands.
 */
const FIRST_ID = 256;
const IDS = 1024;

/** What prompts are made of besides the requests themselves, as plain data: threads make the same of it. */
export interface PromptSpec extends DrawKeys {
  /** Absent: plain words, one for each token. */
  readonly text?: TextSpec;
}

/**
 * The same prompts for each (seed, request) on every machine. Requests that begin with the same blocks begin with the
 * same tokens; behind its blocks, a request has tokens of its own.
 */
export function promptMaker(spec: PromptSpec): PromptMaker {
  return {
    ids: (request) =>
      draw(spec, request, IDS, { count: request.inputTokens, upTo: (tokens) => tokens }).map((id) => FIRST_ID + id),
    text: (request) => promptText(spec, spec.text ?? PLAIN_TEXT, request),
  };
}
