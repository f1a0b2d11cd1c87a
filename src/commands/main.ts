import yargs from 'yargs';
import { version } from '../compose/version.ts';
import { EXIT, UserError, type ExitCode } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { engineCommand } from './engine.ts';
import { placeCommand } from './place.ts';
import { reportCommand } from './report.ts';
import { runCommand } from './run.ts';
import { printError } from './terminal.ts';
import { traceCommand } from './trace.ts';
import type { Command } from './command.ts';

const COMMANDS: readonly Command[] = [runCommand, reportCommand, traceCommand, engineCommand, placeCommand];
const GLOBAL_OPTIONS = ['help', 'version', 'color'];

/** Runs one command line and gives the process's exit code. Every fault a user can mend is one message, no stack trace. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  if (args.includes('--no-color')) process.env['NO_COLOR'] = '1';
  let code: ExitCode = EXIT.ok;
  const parser = yargs([...args])
    .scriptName('reprise')
    .usage(
      '$0 COMMAND [OPTIONS]\n\nReplays production request traces against LLM serving engines with their real timing, and says\nhow much load they carry within their SLOs. "reprise COMMAND --help" shows an example first.',
    )
    .option('color', { type: 'boolean', default: true, describe: 'colours; --no-color or NO_COLOR turns them off' })
    .demandCommand(1, 'name a command: reprise run, report, trace, engine or place; "reprise --help" lists them')
    .version(version())
    .help()
    .alias('help', 'h')
    .strict()
    .exitProcess(false)
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .fail((message, error) => {
      // What a command throws comes without a message; what yargs finds wrong, sometimes with an error of its own.
      throw message === null ? error : new UserError(mistake(message, args));
    });
  for (const command of COMMANDS)
    parser.command(
      command.usage,
      command.describe,
      (builder) => {
        builder.usage(
          `Example:\n${command.examples.map((line) => `  ${line}`).join('\n')}\n\n$0 ${command.usage}\n\n${command.describe}`,
        );
        for (const [name, positional] of Object.entries(command.positionals)) builder.positional(name, positional);
        // yargs takes an option whose value is missing as not given: a limit would limit nothing.
        const takesValue = Object.entries(command.options).filter(([, { type }]) => type !== 'boolean');
        return builder.options(command.options).requiresArg(takesValue.map(([name]) => name));
      },
      async (parsed) => {
        code = await command.run(parsed, args);
      },
    );
  try {
    await parser.parseAsync();
    return code;
  } catch (thrown) {
    return printError(thrown);
  }
}

/** What yargs finds wrong, in our words: which argument it does not know or misses, and what was probably meant. */
function mistake(message: string, args: readonly string[]): string {
  const command = COMMANDS.find(({ usage }) => usage.split(' ')[0] === args[0]);
  if (command !== undefined && message.startsWith('Not enough non-option arguments'))
    return `something is missing: reprise ${command.usage}; "reprise ${args[0]} --help" shows an example`;
  const valueless = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (valueless !== undefined) return `--${valueless}: needs a value`;
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)?.[1]?.split(', ') ?? [];
  if (unknown.length === 0) return message;
  const options = [...Object.keys(command?.options ?? {}), ...GLOBAL_OPTIONS];
  const names = COMMANDS.map(({ usage }) => usage.split(' ')[0] ?? '');
  const lines = unknown.map((name) => {
    const isOption = args.some((arg) => arg.startsWith(`-${name}`) || arg.startsWith(`--${name}`));
    const near = nearest(name, isOption ? options : command === undefined ? names : []);
    const shown = isOption ? `--${name}` : name;
    const meant = near === undefined ? '' : `; did you mean ${isOption ? `--${near}` : `"${near}"`}?`;
    return isOption
      ? `unknown option ${shown}${meant}`
      : command === undefined
        ? `unknown command "${shown}"${meant}`
        : `unexpected argument "${shown}"`;
  });
  return `${lines.join('\n')}\n"reprise ${command === undefined ? '' : `${args[0]} `}--help" lists what there is`;
}
