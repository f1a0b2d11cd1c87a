import { z } from 'zod';

/** For a schema: the error of a wrong value names the value and what the option takes. */
export function expected(what: string): { error: (issue: { readonly input?: unknown }) => string } {
  return { error: ({ input }) => `${got(input)}, expected ${what}` };
}

function got(input: unknown): string {
  return Number.isNaN(input) ? 'is not a number' : `got ${typeof input === 'string' ? `"${input}"` : String(input)}`;
}

/** A numeric option that counts something. */
export const wholeNumber = z.int(expected('a whole number from 1')).positive(expected('a whole number from 1'));

export const text = z.string(expected('one value'));
