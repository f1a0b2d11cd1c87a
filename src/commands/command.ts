import type { Options, PositionalOptions } from 'yargs';
import type { z } from 'zod';
import { UserError, type ExitCode } from '../core/errors.ts';
import { optionErrors } from '../core/option-fields.ts';

/** One command: its name, options and help, and the function that runs it. */
export interface Command {
  /** `name [positional]`, as yargs writes it. */
  readonly usage: string;
  readonly describe: string;
  readonly examples: readonly string[];
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: Readonly<Record<string, Options>>;
  /** `parsed`: the result of yargs; `line`: the command line itself, for the manifest. */
  run(parsed: unknown, line: readonly string[]): Promise<ExitCode>;
}

/**
 * Reads the result of yargs by a schema, whose fields have the names of the program API (`ttftTimeout`). Throws a
 * UserError that names each wrong option as on the command line, its value and the expected one.
 */
export function readOptions<T>(schema: z.ZodType<T>, parsed: unknown): T {
  const result = schema.safeParse(camelOptions(parsed));
  if (result.success) return result.data;
  throw new UserError(optionErrors(result.error));
}

/** The result of yargs with the option names of the program API. */
export function camelOptions(parsed: unknown): Record<string, unknown> {
  const given: [string, unknown][] = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
  return Object.fromEntries(given.map(([key, value]) => [camel(key), value]));
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
