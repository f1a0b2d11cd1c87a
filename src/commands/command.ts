import type { Options, PositionalOptions } from 'yargs';
import type { z } from 'zod';
import { UserError, type ExitCode } from '../core/errors.ts';
import { optionErrors } from '../core/option-names.ts';

/** Options by their names on the command line. */
export type Given = Readonly<Record<string, unknown>>;

/** One command: its name, options and help, and the function that runs it. */
export interface Command {
  /** `name [positional]`, as yargs writes it. */
  readonly usage: string;
  readonly describe: string;
  readonly examples: readonly string[];
  readonly positionals: Readonly<Record<string, PositionalOptions>>;
  readonly options: Readonly<Record<string, Options>>;
  /** `--no-NAME` leaves out an option with a value that the command begins with; it is given as null. */
  readonly canLeaveOut?: boolean;
  /** `all`: every option, with the defaults of those that are not given; `given`: by the line or its config file. */
  run(all: Given, given: Given): Promise<ExitCode>;
}

/**
 * Reads options by a schema, whose fields have the names of the program API (`ttftTimeout`). Throws a UserError that
 * names each wrong option as on the command line, its value and the expected one.
 */
export function readOptions<T>(schema: z.ZodType<T>, given: Given): T {
  const result = schema.safeParse(camelOptions(given));
  if (result.success) return result.data;
  throw new UserError(optionErrors(result.error));
}

/** Options with their names of the program API. */
export function camelOptions(given: Given): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [camel(key), value]));
}

/** The argument that names a trace, which `-` makes standard input; null where the command takes none. */
export function traceArgument({ positionals }: Pick<Command, 'positionals'>): string | null {
  return ['workload', 'file'].find((name) => Object.hasOwn(positionals, name)) ?? null;
}

/** The options in a group of `--help`. */
export function grouped(group: string, options: Command['options']): Command['options'] {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, group }]));
}

/** The default values of the options of a command. */
export function defaultsOf({ options }: Command): Given {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, option]) => (option.default === undefined ? [] : [[name, option.default]])),
  );
}

function camel(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
