import { findAlphabet, readTokenizer } from '../../workloads/prompts/index.ts';
import { serveWorker } from '../core/worker.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The thread's side of `vocabularyOfFile`: reads a tokenizer and finds the words that are one token everywhere. */
serveWorker<null, string, Vocabulary>(() => async (tokenizer) => {
  const { path, sha256, encode, specialTokens, words } = await readTokenizer(tokenizer);
  const trials = { pairs: 2000, longTexts: 20 };
  const alphabet = await findAlphabet(`--tokenizer ${path}`, async (text) => encode(text), words, trials);
  return { name: path, sha256, alphabet, specialTokens };
});
