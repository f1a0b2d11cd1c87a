import type { Options, PositionalOptions } from 'yargs';
import type { z } from 'zod';
import { UserError, type ExitCode } from '../core/errors.ts';
import { optionErrors } from '../core/option-fields.ts';

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

/**
 * Reads what yargs made of a line by a schema, whose fields bear the names that a program gives them (`ttftTimeout`). A
 * UserError names each option that is wrong as the line writes it, its value and what was expected.
 */
export function readOptions<T>(schema: z.ZodType<T>, parsed: unknown): T {
  const result = schema.safeParse(camelOptions(parsed));
  if (result.success) return result.data;
  throw new UserError(optionErrors(result.error));
}

/** What yargs made of a line, under the names that a program gives its options. */
export function camelOptions(parsed: unknown): Record<string, unknown> {
  const given: [string, unknown][] = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
  return Object.fromEntries(given.map(([key, value]) => [camel(key), value]));
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
