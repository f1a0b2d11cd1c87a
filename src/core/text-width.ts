import { stripVTControlCharacters } from 'node:util';

/** How wide a text of ours is on a terminal, in columns: for yargs, in place of a package that knows every script. */
export default function textWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}
