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
      throw error ?? new UserError(withNearest(message, args));
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
        return builder.options(command.options);
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

/** yargs says which argument it does not know; this adds the one that was probably meant. */
function withNearest(message: string, args: readonly string[]): string {
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)?.[1]?.split(', ') ?? [];
  if (unknown.length === 0) return message;
  const command = COMMANDS.find(({ usage }) => usage.split(' ')[0] === args[0]);
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
