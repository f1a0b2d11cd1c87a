import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from '../core/errors.ts';
import type { ServerAccess } from '../replay/transport.ts';
import { tokenizeOnServer } from '../serving/tokenize.ts';
import { COMMON_WORDS, findAlphabet, type Alphabet } from '../../workloads/index.ts';

/** The words of exact texts and where they come from. */
export interface WordSource {
  /** Path of a `tokenizer.json`, or `server`. */
  readonly name: string;
  readonly sha256: string | null;
  readonly alphabet: Alphabet;
}

export type WordsMessage = WordSource | { readonly fault: string };

/**
 * What the tokenizer of a file allows; null without a file. Read in a thread that ends with it: what a large vocabulary
 * leaves to collect (300 MB) would hold the dispatch thread up for 25 ms during the run.
 */
export async function wordsOfFile(asked: string | null): Promise<WordSource | null> {
  if (asked === null || asked === 'server') return null;
  const worker = new Worker(new URL(`./vocabulary-worker${extname(import.meta.filename)}`, import.meta.url), {
    workerData: asked,
  });
  const [message]: WordsMessage[] = await once(worker, 'message');
  await worker.terminate();
  if (message === undefined) throw new Error('the words of a tokenizer came without a message');
  if ('fault' in message) throw new UserError(message.fault);
  return message;
}

/** What the server's own tokenizer allows. */
export async function wordsOfServer(access: ServerAccess, model: string): Promise<WordSource> {
  const encode = (text: string): Promise<readonly number[]> => tokenizeOnServer(access, model, text);
  // Each text is a call.
  const alphabet = await findAlphabet('--tokenizer server', encode, COMMON_WORDS, { pairs: 8, longTexts: 4 });
  return { name: 'server', sha256: null, alphabet };
}
