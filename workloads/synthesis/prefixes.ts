import type { Random } from '../../src/core/random.ts';
import { zipf, type Draw } from './distributions.ts';
import { checkKeys, fromZero, parseNamed, positive } from './grammar.ts';
import { UserError } from '../../src/core/errors.ts';

/** How `--prefixes` is written: system prompts that requests or sessions share. */
export const PREFIX_FORMS = { groups: 'groups:count=20,tokens=1024[,alpha=1]' } as const;

/** Prompts that begin alike. */
export interface PrefixGroups {
  readonly tokens: number;
  /** The group of a request or session: the i-th as likely as (i + 1) to the power -alpha. */
  readonly draw: Draw;
}

/** Reads `--prefixes`. Throws a UserError that names the wrong part. */
export function parsePrefixes(text: string): PrefixGroups {
  const named = parseNamed(text, '--prefixes', PREFIX_FORMS);
  checkKeys(named, ['count', 'tokens', 'alpha']);
  const [count, tokens, alpha] = [positive(named, 'count'), positive(named, 'tokens'), fromZero(named, 'alpha', 1)];
  if (!Number.isInteger(count) || !Number.isInteger(tokens) || count > 2 ** 20)
    throw new UserError(`--prefixes: "${text}" needs whole numbers of groups and tokens; write ${PREFIX_FORMS.groups}`);
  return { tokens, draw: zipf(count, alpha) };
}

/** No group. */
const ALONE = -1;

/** Gives block ids to contexts, so that equal ids mean equal tokens. */
export class BlockIds {
  readonly #size: number;
  readonly #tokens: number;
  readonly #groups = new Map<number, readonly number[]>();
  #next = 0;

  /** `size`: tokens of a block; `tokens`: of the prefix of a group. */
  constructor(size: number, tokens: number) {
    this.#size = size;
    this.#tokens = tokens;
  }

  /** A context that begins as those of its group do: the ids of its full blocks. */
  begin(group: number): number[] {
    const known = this.#groups.get(group) ?? [];
    if (group === ALONE || known.length > 0) return [...known];
    const ids = Array.from({ length: Math.floor(this.#tokens / this.#size) }, () => this.#next++);
    this.#groups.set(group, ids);
    return [...ids];
  }

  /** The ids of a prompt of so many tokens, which a context grows to; the last block, if it is not full, is its own. */
  prompt(context: number[], tokens: number): number[] {
    while (context.length < Math.floor(tokens / this.#size)) context.push(this.#next++);
    const ids = context.slice(0, Math.floor(tokens / this.#size));
    if (tokens % this.#size > 0) ids.push(this.#next++);
    return ids;
  }
}

export function groupOf(groups: PrefixGroups | null, random: Random): number {
  return groups === null ? ALONE : groups.draw(random);
}
