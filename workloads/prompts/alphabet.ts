import { UserError } from '../../src/core/errors.ts';
import { randomStream } from '../../src/core/random.ts';
import type { Alphabet } from './text.ts';
import { FIRST_WORDS } from './words.ts';

/** Token ids of a text, without the special tokens that a tokenizer adds at its beginning and end. */
export type Encode = (text: string) => Promise<readonly number[]>;

/** More words than this do not make prompts differ more. */
const MOST_WORDS = 4096;
/** With fewer words, prompts that should differ would begin alike. */
const LEAST_WORDS = 64;
/** Candidate words per test text. */
const TRIED_AT_ONCE = 128;
const LONG_TEXT_WORDS = 1024;

interface Known {
  readonly first: string;
  readonly firstId: number;
  /** Id of the same word after a space. */
  readonly nextId: number;
}

/**
 * Finds the candidates that are one token each anywhere in a text, so that a text of N of them is N tokens. It encodes
 * few texts, as each may be a call to a server, and then verifies the words in `pairs` texts of two words and
 * `longTexts` long ones. It ignores the id of a text's last token: in the reference engine that id depends on the end
 * of the text. Throws a UserError, beginning with `name`, where the tokenizer has too few such words.
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
    const ids = await encode(`${first} ${first} ${first} ${first}`);
    const [firstId, nextId, third] = ids;
    const isToken = firstId !== undefined && nextId !== undefined && nextId === third && ids.length === 4;
    if (isToken) return { first, firstId, nextId };
  }
  throw new UserError(
    `${name}: none of ${FIRST_WORDS.join(', ')} is one token with and without a space before it, so prompts of exact length cannot be made; leave --tokenizer out for prompts of nearly the length asked for`,
  );
}

/** The words that are one token between two known ones, with their token ids. */
async function oneTokenWords(
  encode: Encode,
  { first, firstId, nextId }: Known,
  words: readonly string[],
): Promise<{ word: string; id: number }[]> {
  const [head, ...ids] = await encode(`${first}${words.map((word) => ` ${word} ${first}`).join('')} ${first}`);
  const groups: number[][] = [[]];
  for (const id of ids.slice(0, -1))
    if (id === nextId) groups.push([]);
    else groups.at(-1)?.push(id);
  // One group per word and an empty one after the last: otherwise tokens cannot be assigned to words.
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
    got.length !== words.length + 1 ||
    got[0] !== firstId ||
    words.slice(0, -1).some((word, i) => got[i + 1] !== ids.get(word));
  if (!wrong) return;
  const shown = words.length > 4 ? `${first} ${words.slice(0, 4).join(' ')} ...` : [first, ...words].join(' ');
  throw new UserError(
    `${name}: "${shown}" is ${got.length} tokens where each of its ${words.length + 1} words alone is one; prompts of exact length cannot be made of such words; leave --tokenizer out for prompts of nearly the length asked for`,
  );
}
