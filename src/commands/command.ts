import type { Options, PositionalOptions } from 'yargs';
import { z } from 'zod';
import { UserError, type ExitCode } from '../core/errors.ts';

/** One command: what it is called and takes, and one function that does it. */
export interface Command {
  /** `name [positional]`, as yargs writes it. */
  readonly usage: string;
  readonly describe: string;
  readonly examples: readonly string[];
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: Readonly<Record<string, Options>>;
  /** `parsed` is what yargs made of the line, `line` the line itself, for the manifest. */
  run(parsed: unknown, line: readonly string[]): Promise<ExitCode>;
}

/** For a schema: what an option takes, told beside what it got. */
export function expected(what: string): { error: (issue: { readonly input?: unknown }) => string } {
  return { error: ({ input }) => `${got(input)}, expected ${what}` };
}

function got(input: unknown): string {
  if (Array.isArray(input)) return 'is given more than once';
  return Number.isNaN(input) ? 'is not a number' : `got ${typeof input === 'string' ? `"${input}"` : String(input)}`;
}

/** A numeric option that counts something. */
export const wholeNumber = z.int(expected('a whole number from 1')).positive(expected('a whole number from 1'));

export const text = z.string(expected('one value'));

/** Reads parsed options by a schema; a UserError names each option that is wrong, what it is and what was expected. */
export function readOptions<T>(schema: z.ZodType<T>, parsed: unknown): T {
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`);
  throw new UserError(lines.join('\n'));
}
