import { extname } from 'node:path';
import { startWorker } from '../core/worker.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { tokenizeOnServer } from '../serving/tokenize.ts';
import { COMMON_WORDS, findAlphabet, type Alphabet } from '../../workloads/prompts/index.ts';

/** The single-token words of texts with exact length, and their source. */
export interface Vocabulary {
  /** Path of a `tokenizer.json`, or `server`. */
  readonly name: string;
  readonly sha256: string | null;
  readonly alphabet: Alphabet;
  /** Tokens that the tokenizer adds to a text; null: not known. */
  readonly specialTokens: number | null;
}

/**
 * The vocabulary of a tokenizer file; null without a file. Read in a thread that ends with the reading: collecting the
 * garbage of a large vocabulary (300 MB) would block the dispatch thread for 25 ms during the run.
 */
export async function vocabularyOfFile(tokenizer: string | null): Promise<Vocabulary | null> {
  if (tokenizer === null || tokenizer === 'server') return null;
  const file = new URL(`./vocabulary-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = startWorker<null, string, Vocabulary>(file, null);
  try {
    return await worker.ask(tokenizer);
  } finally {
    await worker.terminate();
  }
}

/** The vocabulary of the server's own tokenizer. */
export async function vocabularyOfServer(access: ServerAccess, model: string): Promise<Vocabulary> {
  const encode = (text: string): Promise<readonly number[]> => tokenizeOnServer(access, model, text);
  // Each text is a call.
  const alphabet = await findAlphabet('--tokenizer server', encode, COMMON_WORDS, { pairs: 8, longTexts: 4 });
  return { name: 'server', sha256: null, alphabet, specialTokens: null };
}
