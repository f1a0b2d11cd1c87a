import { UserError } from '../../src/core/errors.ts';
import { randomStream } from '../../src/core/random.ts';
import type { Alphabet } from './text.ts';
import { FIRST_WORDS } from './words.ts';

/** Token ids of a text, without the tokens that a tokenizer adds at its beginning and end. */
export type Encode = (text: string) => Promise<readonly number[]>;

/** More words than this make prompts no more unlike one another. */
const MOST_WORDS = 4096;
/** Fewer, and prompts that should differ begin alike. */
const LEAST_WORDS = 64;
/** Words that are tried in one text. */
const TRIED_AT_ONCE = 256;
const LONG_TEXT_WORDS = 1024;

interface Known {
  readonly first: string;
  readonly firstId: number;
  /** Of the same word with a space before it. */
  readonly nextId: number;
}

/**
 * The candidates that are one token each wherever they stand, so that a text of N of them is N tokens. Found with few
 * texts, as each may be a call to a server, and then tried in `pairs` texts of two words and `longTexts` long ones.
 * Throws a UserError, beginning with `name`, where the tokenizer has no such words.
 */
export async function findAlphabet(
  name: string,
  encode: Encode,
  candidates: readonly string[],
  { pairs, longTexts }: { pairs: number; longTexts: number },
): Promise<Alphabet> {
  const known = await firstWord(name, encode);
  const ids = new Map<string, number>();
  const tried = candidates.filter((word) => word !== known.first.toLowerCase());
  for (let from = 0; from < tried.length && ids.size < MOST_WORDS; from += TRIED_AT_ONCE)
    for (const { word, id } of await oneTokenWords(encode, known, tried.slice(from, from + TRIED_AT_ONCE)))
      ids.set(word, id);
  const words = [...ids.keys()].slice(0, MOST_WORDS);
  if (words.length < LEAST_WORDS)
    throw new UserError(
      `${name}: ${words.length} of ${tried.length} plain words are one token each, and prompts of exact length need ${LEAST_WORDS}; leave --tokenizer out for prompts of nearly the length asked for`,
    );
  const random = randomStream(1, 'alphabet');
  for (let text = 0; text < pairs + longTexts; text++) {
    const count = text < pairs ? 2 : LONG_TEXT_WORDS - 1;
    const drawn = Array.from({ length: count }, () => words[random() % words.length] ?? '');
    await verify(name, encode, known, drawn, ids);
  }
  return { first: known.first, words };
}

async function firstWord(name: string, encode: Encode): Promise<Known> {
  for (const first of FIRST_WORDS) {
    const [firstId, nextId, third, ...more] = await encode(`${first} ${first} ${first}`);
    const isToken = firstId !== undefined && nextId !== undefined && nextId === third && more.length === 0;
    if (isToken) return { first, firstId, nextId };
  }
  throw new UserError(
    `${name}: none of ${FIRST_WORDS.join(', ')} is one token with and without a space before it, so prompts of exact length cannot be made; leave --tokenizer out for prompts of nearly the length asked for`,
  );
}

/** Which of the words are one token between two known ones. */
async function oneTokenWords(
  encode: Encode,
  { first, firstId, nextId }: Known,
  words: readonly string[],
): Promise<{ word: string; id: number }[]> {
  const [head, ...ids] = await encode(first + words.map((word) => ` ${word} ${first}`).join(''));
  const groups: number[][] = [[]];
  for (const id of ids)
    if (id === nextId) groups.push([]);
    else groups.at(-1)?.push(id);
  // One group for each word and an empty one behind the last: else it cannot be told whose tokens they are.
  if (head !== firstId || groups.length !== words.length + 1 || groups.at(-1)?.length !== 0) return [];
  return words.flatMap((word, i) => {
    const [id, ...more] = groups[i] ?? [];
    return id === undefined || more.length > 0 ? [] : [{ word, id }];
  });
}

async function verify(
  name: string,
  encode: Encode,
  { first, firstId }: Known,
  words: readonly string[],
  ids: ReadonlyMap<string, number>,
): Promise<void> {
  const got = await encode([first, ...words].join(' '));
  const wrong =
    got.length !== words.length + 1 || got[0] !== firstId || words.some((word, i) => got[i + 1] !== ids.get(word));
  if (!wrong) return;
  const shown = words.length > 4 ? `${first} ${words.slice(0, 4).join(' ')} ...` : [first, ...words].join(' ');
  throw new UserError(
    `${name}: "${shown}" is ${got.length} tokens where each of its ${words.length + 1} words alone is one; prompts of exact length cannot be made of such words; leave --tokenizer out for prompts of nearly the length asked for`,
  );
}
