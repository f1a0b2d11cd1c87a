import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../core/errors.ts';
import { findAlphabet, readTokenizer } from '../../workloads/index.ts';
import type { WordsMessage } from './vocabulary.ts';

/** The other side of `wordsOfFile`: reads a tokenizer, tries its words and says which are safe. */
async function words(asked: string): Promise<WordsMessage> {
  try {
    const { path, sha256, encode, words: candidates } = await readTokenizer(asked);
    const alphabet = await findAlphabet(`--tokenizer ${path}`, async (text) => encode(text), candidates, {
      pairs: 2000,
      longTexts: 20,
    });
    return { name: path, sha256, alphabet };
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return { fault: thrown.message };
  }
}

if (parentPort === null) throw new Error('words-worker runs in a worker thread');
const asked: string = workerData;
parentPort.postMessage(await words(asked));
