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

/** A numeric option that counts something. yargs makes NaN of what is no number. */
export function wholeNumberFrom(least: number): z.ZodInt {
  const error = ({ input }: { readonly input?: unknown }): string =>
    `${Number.isNaN(input) ? 'is not a number' : `got ${String(input)}`}, expected a whole number from ${least}`;
  return z.int({ error }).min(least, { error });
}
export const wholeNumber: z.ZodInt = wholeNumberFrom(1);

/** Reads parsed options by a schema; a UserError names each option that is wrong, what it is and what was expected. */
export function readOptions<T>(schema: z.ZodType<T>, parsed: unknown): T {
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`);
  throw new UserError(lines.join('\n'));
}
