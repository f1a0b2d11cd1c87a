import { stripVTControlCharacters } from 'node:util';

// What yargs is given in place of a package that knows the width of every script, and of Node's own assertions, which
// open the terminal to learn its colours: each is a tenth of the CPU of `--help`.

/** How wide a text of ours is on a terminal, in columns. */
// oxlint-disable-next-line import/no-default-export -- As yargs imports it.
export default function textWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}

export function strictEqual(actual: unknown, expected: unknown, message = 'not the same'): void {
  if (!Object.is(actual, expected)) throw new Error(message);
}

export function notStrictEqual(actual: unknown, expected: unknown, message = 'the same'): void {
  if (Object.is(actual, expected)) throw new Error(message);
}
