import yargs, { type Argv, type Options } from 'yargs';
import { version } from '../core/version.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { defaultsOf, traceArgument, type Command, type Given } from './command.ts';
import { readLine, STDIN_FILE, type CommandLine } from './command-line.ts';
import { LISTED } from './listed.ts';
import { columns, outliveReaders, printError } from './terminal.ts';
import { commandMistake, yargsMistake } from './yargs-mistake.ts';

type Commands = ReadonlyMap<string, () => Promise<Command>>;

/** Each command is loaded when it is used: `trace` need not wait for modules that only `run` imports. */
export const COMMANDS = {
  run: async () => (await import('./run.ts')).runCommand,
  rerun: async () => (await import('./rerun.ts')).rerunCommand,
  goodput: async () => (await import('./goodput.ts')).goodputCommand,
  sweep: async () => (await import('./sweep.ts')).sweepCommand,
  ab: async () => (await import('./ab.ts')).abCommand,
  compare: async () => (await import('./compare.ts')).compareCommand,
  nightly: async () => (await import('./nightly.ts')).nightlyCommand,
  report: async () => (await import('./report.ts')).reportCommand,
  trace: async () => (await import('./trace.ts')).traceCommand,
  engine: async () => (await import('./engine.ts')).engineCommand,
  place: async () => (await import('./place.ts')).placeCommand,
  reproduce: async () => (await import('./reproduce.ts')).reproduceCommand,
  probe: async () => (await import('./probe.ts')).probeCommand,
  calibrate: async () => (await import('./calibrate.ts')).calibrateCommand,
} as const satisfies Record<keyof typeof LISTED, () => Promise<Command>>;

const USAGE =
  '$0 COMMAND [OPTIONS]\n\n' +
  'Replays production request traces against LLM serving engines with their real timing, and says how much load they ' +
  'carry within their SLOs.\n\nBegin with "reprise run": a minute of a bundled trace against the bundled engine, ending ' +
  'in a report. "reprise COMMAND --help" shows an example first.';

const CONFIG: Options = {
  type: 'string',
  describe: 'YAML or JSON file of the options here, without --, and the workload; the command line wins',
};

/**
 * Runs one command line and returns the exit code of the process. A UserError is printed as one message without a stack
 * trace; a fault of Reprise with its stack, and gives exit code 70.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  outliveReaders();
  // An uncaught exception is a fault of Reprise too.
  process.on('uncaughtException', (thrown) => process.exit(printError(thrown)));
  if (args.includes('--no-color')) process.env['NO_COLOR'] = '1';
  try {
    return await runLine(args, new Map(Object.entries(COMMANDS)));
  } catch (thrown) {
    return printError(thrown);
  }
}

/** Runs one command line with the given commands. Throws a UserError for a mistake in it. */
export async function runLine(given: readonly string[], commands: Commands): Promise<ExitCode> {
  refuseEmpty(given);
  const { args: words, name } = commandFirst(asOptions(given), commands);
  const command = name === null ? null : ((await commands.get(name)?.()) ?? null);
  let code: ExitCode = EXIT.ok;
  const line = command === null ? { args: words, texts: new Map(), leftOut: [] } : readLine(words, command);
  const { args } = line;
  const parser = parserOf(args, command, [...commands.keys()]);
  if (command === null) for (const { usage, describe } of Object.values(LISTED)) parser.command(usage, describe);
  else
    parser.command(
      command.usage,
      command.describe,
      (builder) => helpOf(builder, command, args.some(asksForHelp)),
      async (parsed) => {
        code = await runCommand(command, parsed, line);
      },
    );
  const asks = args[0]?.startsWith('-') === true && args.some((arg) => ['--help', '-h', '--version'].includes(arg));
  if (command === null && !asks) throw new UserError(commandMistake(args, [...commands.keys()]));
  await parser.parseAsync();
  return code;
}

/** `help COMMAND`, `version` and `-v`, as other programs have them, are options here. */
function asOptions(args: readonly string[]): readonly string[] {
  const [first = '', ...others] = args;
  // npm and npx may leave the mark that ends their own options.
  if (first === '--') return asOptions(others);
  if (first === 'help') return [...others, '--help'];
  return args.length === 1 && ['version', '-v', '-V'].includes(first) ? ['--version'] : args;
}

/** The command at the front: before it an option without a value, such as --quiet, would take it for its value. */
function commandFirst(
  args: readonly string[],
  commands: Commands,
): { readonly args: readonly string[]; readonly name: string | null } {
  const at = args[0]?.startsWith('-') === true ? args.findIndex((arg) => commands.has(arg)) : 0;
  const name = args[at];
  if (name === undefined || !commands.has(name)) return { args, name: null };
  return { args: [name, ...args.slice(0, at), ...args.slice(at + 1)], name };
}

function parserOf(args: readonly string[], command: Command | null, names: readonly string[]): Argv {
  return yargs([...args])
    .scriptName('reprise')
    .usage(USAGE)
    .option('color', { type: 'boolean', default: true, describe: 'colours; --no-color or NO_COLOR turns them off' })
    .version(version())
    .help()
    .alias('help', 'h')
    .strict()
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false })
    .exitProcess(false)
    .wrap(Math.min(110, columns() ?? 100))
    .fail((message, error) => {
      // An error thrown by a command comes without a message; a mistake that yargs found has one, sometimes with an
      // error beside it.
      throw message === null ? error : new UserError(yargsMistake(message, args, command, names));
    });
}

/** Whether yargs may take a word for a wish to see the help, alone or among other short options. */
const asksForHelp = (word: string): boolean => /^-[^-]*h|^--h(?:elp)?\b/.test(word);

/**
 * What yargs knows of a command; defaults are only shown, so that what is given can be told from them. Before it runs a
 * command it lays out the help, whoever asks: without `isShown` the options are none of it, which takes a tenth of the time.
 */
function helpOf(builder: Argv, { usage, describe, examples, positionals, options }: Command, isShown: boolean): Argv {
  builder.usage(`Example:\n${examples.map((line) => `  ${line}`).join('\n')}\n\n$0 ${usage}\n\n${describe}`);
  for (const [key, positional] of Object.entries(positionals)) builder.positional(key, positional);
  for (const [key, { default: value, ...option }] of Object.entries({ ...options, config: CONFIG })) {
    const shown = value === undefined || Array.isArray(value) ? {} : { defaultDescription: JSON.stringify(value) };
    builder.option(key, {
      ...(option.type === 'boolean' || option.requiresArg === false ? {} : { nargs: 1 }),
      ...shown,
      ...option,
      hidden: !isShown,
    });
  }
  return builder;
}

/** A command with the options of its line, then of its config file, then its defaults. */
async function runCommand(command: Command, parsed: Given, { texts, leftOut }: CommandLine): Promise<ExitCode> {
  const known = { ...command.positionals, ...command.options };
  const line: Record<string, unknown> = Object.fromEntries(
    Object.entries(parsed)
      .filter(([key, value]) => Object.hasOwn(known, key) && value !== undefined)
      .map(([key, value]) => [key, Number.isNaN(value) ? texts.get(key) : value]),
  );
  const file = parsed['config'];
  const config = typeof file === 'string' ? (await import('./config-file.ts')).readConfig(file, command) : null;
  const given: Record<string, unknown> = { ...config?.given, ...line };
  for (const name of leftOut) {
    if (Object.hasOwn(line, name)) throw new UserError(`--${name}: is given, and left out by --no-${name}`);
    const begins = command.canLeaveOut === true && Object.hasOwn(command.options, name);
    if (!begins && !Object.hasOwn(given, name))
      throw new UserError(`--no-${name}: --${name} takes a value, and is not there unless it is given; leave it out`);
    delete given[name];
    if (begins) given[name] = null;
  }
  const trace = traceArgument(command);
  if (trace !== null && given[trace] === STDIN_FILE) {
    await (await import('../../workloads/index.ts')).saveStdin();
    given[trace] = '-';
  }
  try {
    return await command.run({ ...defaultsOf(command), ...given }, given);
  } catch (thrown) {
    if (config === null || !(thrown instanceof UserError)) throw thrown;
    throw (await import('./config-file.ts')).withConfigLine(thrown, config, line);
  }
}

/**
 * An empty argument is a variable that is not set: yargs would take it for 0, and a folder option for the current
 * folder.
 */
function refuseEmpty(args: readonly string[]): void {
  const at = args.findIndex((arg) => arg.trim() === '' || /^--[\w-]+=\s*$/.test(arg));
  const [before, word] = [args[at - 1] ?? '', args[at] ?? ''];
  if (at < 0) return;
  const option = [word, before].find((each) => each.startsWith('--'))?.replace(/=\s*$/, '');
  throw new UserError(`${option === undefined ? 'an argument' : option}: is empty; is a variable not set?`);
}
