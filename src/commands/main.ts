import yargs from 'yargs';
import { version } from '../core/version.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import type { Command } from './command.ts';
import { outliveReaders, printError } from './terminal.ts';
import { yargsMistake } from './yargs-mistake.ts';

/** Each command is loaded when it is used: `trace` need not wait for modules that only `run` imports. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['run', async () => (await import('./run.ts')).runCommand],
  ['report', async () => (await import('./report.ts')).reportCommand],
  ['trace', async () => (await import('./trace.ts')).traceCommand],
  ['engine', async () => (await import('./engine.ts')).engineCommand],
  ['place', async () => (await import('./place.ts')).placeCommand],
]);

/**
 * Runs one command line and returns the exit code of the process. A UserError is printed as one message without a stack
 * trace; a fault of Reprise with its stack, and gives exit code 70.
 */
export async function main(args: readonly string[]): Promise<ExitCode> {
  outliveReaders();
  // An uncaught exception is a fault of Reprise too.
  process.on('uncaughtException', (thrown) => process.exit(printError(thrown)));
  if (args.includes('--no-color')) process.env['NO_COLOR'] = '1';
  const command = await COMMANDS.get(args.find((arg) => !arg.startsWith('-')) ?? '')?.();
  const commands = command === undefined ? await Promise.all([...COMMANDS.values()].map((load) => load())) : [command];
  const names = [...COMMANDS.keys()];
  let code: ExitCode = EXIT.ok;
  const parser = yargs([...args])
    .scriptName('reprise')
    .usage(
      '$0 COMMAND [OPTIONS]\n\nReplays production request traces against LLM serving engines with their real timing, and says\nhow much load they carry within their SLOs. "reprise COMMAND --help" shows an example first.',
    )
    .option('color', { type: 'boolean', default: true, describe: 'colours; --no-color or NO_COLOR turns them off' })
    .demandCommand(1, `name a command: reprise ${names.join(', ')}; "reprise --help" lists them`)
    .version(version())
    .help()
    .alias('help', 'h')
    .strict()
    .parserConfiguration({ 'camel-case-expansion': false, 'dot-notation': false })
    .exitProcess(false)
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error) => {
      // An error thrown by a command comes without a message; a mistake that yargs found has one, sometimes with an
      // error beside it.
      throw message === null ? error : new UserError(yargsMistake(message, args, command, names));
    });
  for (const { usage, describe, examples, positionals, options, run } of commands)
    parser.command(
      usage,
      describe,
      (builder) => {
        builder.usage(`Example:\n${examples.map((line) => `  ${line}`).join('\n')}\n\n$0 ${usage}\n\n${describe}`);
        for (const [key, positional] of Object.entries(positionals)) builder.positional(key, positional);
        for (const [key, option] of Object.entries(options))
          builder.option(key, option.type === 'boolean' ? option : { nargs: 1, ...option });
        return builder;
      },
      async (parsed) => {
        code = await run(parsed, args);
      },
    );
  try {
    refuseEmpty(args);
    await parser.parseAsync();
    return code;
  } catch (thrown) {
    return printError(thrown);
  }
}

/**
 * An empty argument is a variable that is not set: yargs would take it for 0, and a folder option for the current
 * folder.
 */
function refuseEmpty(args: readonly string[]): void {
  const at = args.findIndex((arg) => arg === '' || /^--[\w-]+=$/.test(arg));
  const [before, word] = [args[at - 1] ?? '', args[at] ?? ''];
  if (at < 0) return;
  const option = [word, before].find((each) => each.startsWith('--'))?.replace(/=$/, '');
  throw new UserError(`${option === undefined ? 'an argument' : option}: is empty; is a variable not set?`);
}
