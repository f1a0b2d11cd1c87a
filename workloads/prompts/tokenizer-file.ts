import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { messageOf, UserError } from '../../src/core/errors.ts';
import { unreadable, wholeFile } from '../file-bytes.ts';

export interface FileTokenizer {
  readonly path: string;
  readonly sha256: string;
  /** Token ids without the special tokens at the beginning and end. */
  encode(text: string): readonly number[];
  /** How many of these it adds to a text. */
  readonly specialTokens: number;
  /** Plain lower-case words that the vocabulary holds with a space before them, the most frequent first. */
  readonly words: readonly string[];
}

const EXPECTED = "expected a model's tokenizer.json, or the folder that holds it";
/** Several times the largest there is: 34 MB for a vocabulary of 262,000. */
const MOST_BYTES = 256 * 2 ** 20;
const fileSchema = z.looseObject({
  model: z.looseObject({ vocab: z.union([z.looseObject({}), z.array(z.unknown())]) }),
});
const configSchema = z.looseObject({});
/** A space before a word is `Ġ` in byte-level vocabularies and `▁` in SentencePiece's. */
const WORD = /^[Ġ▁ ]([a-z]{3,})$/;

/** Reads a `tokenizer.json`, or the one in a model's folder. Throws a UserError that names the error. */
export async function readTokenizer(given: string): Promise<FileTokenizer> {
  const path = await fileOf(given);
  const bytes = wholeFile(path, MOST_BYTES);
  const config = join(dirname(path), 'tokenizer_config.json');
  const parsed = fileSchema.safeParse(parseJson(path, bytes));
  if (!parsed.success) throw new UserError(`--tokenizer: ${path} has no model.vocab; ${EXPECTED}`);
  const settings = existsSync(config) ? parseJson(config, wholeFile(config, MOST_BYTES)) : {};
  const tokenizer = load(path, parsed.data, settings);
  const words = [...tokenizer.get_vocab()]
    .flatMap(([piece, id]) => {
      const word = WORD.exec(piece)?.[1];
      return word === undefined ? [] : [{ word, id }];
    })
    .sort((a, b) => a.id - b.id)
    .map(({ word }) => word);
  const encode = (text: string): readonly number[] => tokenizer.encode(text, { add_special_tokens: false }).ids;
  return {
    path,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    encode,
    specialTokens: tokenizer.encode('The').ids.length - encode('The').length,
    words,
  };
}

async function fileOf(given: string): Promise<string> {
  const found = await stat(given).catch((thrown: unknown) => {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
    throw unreadable(given, thrown);
  });
  if (found === null) throw new UserError(`--tokenizer: ${given} does not exist; ${EXPECTED}, or "server"`);
  const path = found.isDirectory() ? join(given, 'tokenizer.json') : given;
  if (existsSync(path)) return path;
  throw new UserError(`--tokenizer: the folder ${given} holds no tokenizer.json; ${EXPECTED}`);
}

function parseJson(path: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (thrown) {
    throw new UserError(`--tokenizer: ${path} is not JSON (${messageOf(thrown)}); ${EXPECTED}`);
  }
}

function load(path: string, json: object, config: unknown): Tokenizer {
  try {
    return new Tokenizer(json, configSchema.parse(config));
  } catch (thrown) {
    throw new UserError(`--tokenizer: ${path} cannot be used: ${messageOf(thrown)}; "server" asks the server instead`);
  }
}
