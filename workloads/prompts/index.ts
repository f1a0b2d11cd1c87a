import type { PromptMaker } from '../../src/core/codec.ts';
import type { Prompt } from '../../src/core/request.ts';
import { draw, type DrawKeys } from './draw.ts';
import type { LivePrompts } from './live.ts';
import { PLAIN_TEXT, textMaker, type TextSpec } from './text.ts';

export {
  answered,
  liveRequest,
  liveTurn,
  sessionTurns,
  type AnsweredTurn,
  type LivePrompts,
  type LiveTurn,
} from './live.ts';
export { findAlphabet } from './alphabet.ts';
export { PLAIN_ALPHABET, type Alphabet, type TextSpec } from './text.ts';
export { readTokenizer } from './tokenizer-file.ts';
export { COMMON_WORDS } from './words.ts';

/**
 * Ids that every vocabulary in use has and that are no special tokens: low ids are special tokens or single bytes in
 * most vocabularies, and small test models end at some thousands.
 */
const FIRST_ID = 256;
const IDS = 1024;

/** Inputs of prompts besides the requests, as plain data: every thread makes the same prompts from them. */
export interface PromptSpec extends DrawKeys {
  /** Absent: plain words, one per token. */
  readonly text?: TextSpec;
}

/**
 * Makes the same prompt for each (seed, salt, request) on every machine. Requests that begin with the same blocks begin with
 * the same tokens; after its blocks, a request has tokens of its own.
 */
export function promptMaker(spec: PromptSpec): PromptMaker {
  return {
    ids: (request) =>
      draw(spec, request, IDS, { count: request.inputTokens, upTo: (tokens) => tokens }).map((id) => FIRST_ID + id),
    text: textMaker(spec, spec.text ?? PLAIN_TEXT),
  };
}

/** The parts of prompts with the answers of the run, in one form. */
export function livePrompts(spec: PromptSpec, form: Prompt['kind']): LivePrompts {
  const text = spec.text ?? PLAIN_TEXT;
  const overheadTokens = form === 'messages' ? (text.turnOverheadTokens ?? 0) : 0;
  return { form, first: promptMaker(spec), next: promptMaker({ ...spec, text: { ...text, overheadTokens } }) };
}
