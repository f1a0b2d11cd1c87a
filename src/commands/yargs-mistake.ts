import { nearest, didYouMean } from '../core/did-you-mean.ts';
import type { Command } from './command.ts';

const GLOBAL_OPTIONS = ['help', 'version', 'color'];

/**
 * The message for a wrong command line, from the message of yargs, with the name that was probably meant. `command`:
 * the command of the line, undefined where its name is not known.
 */
export function yargsMistake(
  message: string,
  args: readonly string[],
  command: Command | undefined,
  names: readonly string[],
): string {
  const valueless = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (valueless !== undefined) return `--${valueless}: needs a value`;
  if (command !== undefined && message.startsWith('Not enough non-option arguments'))
    return `reprise ${command.usage}: something is missing, e.g. ${command.examples[0]}; --help shows more`;
  const [, argument, given = '', choices = ''] = /Argument: (.+), Given: "(.*)", Choices: (.+)$/.exec(message) ?? [];
  if (argument !== undefined)
    return `${argument}: "${given}" is not known${didYouMean(given, choices.replaceAll('"', '').split(', '))}`;
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)?.[1]?.split(', ') ?? [];
  return unknown.length === 0 ? message : unknownWords(unknown, args, command, names);
}

function unknownWords(
  unknown: readonly string[],
  args: readonly string[],
  command: Command | undefined,
  names: readonly string[],
): string {
  const isOption = (word: string): boolean =>
    args.some((arg) => arg.startsWith(`-${word}`) || arg.startsWith(`--${word}`));
  const options = [...Object.keys(command?.options ?? {}), ...GLOBAL_OPTIONS];
  const of = command === undefined ? '' : ` ${command.usage.split(' ')[0]}`;
  const all = `"reprise${of} --help" lists what there is`;
  // Arguments after an unknown command belong to that command.
  const wrong = command === undefined ? unknown.find((word) => !isOption(word)) : undefined;
  if (wrong !== undefined) {
    const near = nearest(wrong, names);
    return `unknown command "${wrong}"${near === undefined ? '' : `; did you mean "${near}"?`}\n${all}`;
  }
  const lines = unknown.map((word) => {
    if (!isOption(word)) return `unexpected argument "${word}"`;
    const near = nearest(word, options);
    return `unknown option --${word}${near === undefined ? '' : `; did you mean --${near}?`}`;
  });
  return `${lines.join('\n')}\n${all}`;
}
