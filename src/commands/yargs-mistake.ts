import { nearest, didYouMean } from '../core/did-you-mean.ts';
import type { Command } from './command.ts';

const GLOBAL_OPTIONS = ['help', 'version', 'color', 'config'];

/** The message for a command line without a known command. */
export function commandMistake(args: readonly string[], names: readonly string[]): string {
  const all = '"reprise --help" lists what there is';
  const word = args.find((arg) => !arg.startsWith('-'));
  const near = word === undefined ? undefined : nearest(word, [...names, 'help', 'version']);
  const option = args
    .find((arg) => arg.startsWith('-'))
    ?.replace(/^-+/, '')
    .replace(/=.*/s, '');
  if (word !== undefined && (near !== undefined || option === undefined || args[0] === word))
    return `unknown command "${word}"${near === undefined ? '' : `; did you mean "${near}"?`}\n${all}`;
  const nearOption = option === undefined ? undefined : nearest(option, GLOBAL_OPTIONS);
  if (nearOption !== undefined && nearOption !== option)
    return `unknown option --${option}; did you mean --${nearOption}?\n${all}`;
  const first = args[0] === undefined || args[0] === '--' ? '' : `${args[0]}: `;
  return `${first}name a command${first === '' ? '' : ' before it'}: reprise ${names.join(', ')}; "reprise --help" lists them`;
}

/**
 * The message for a wrong command line, from the message of yargs, with the name that was probably meant. `command`:
 * the command of the line, null where there is none.
 */
export function yargsMistake(
  message: string,
  args: readonly string[],
  command: Command | null,
  names: readonly string[],
): string {
  const valueless = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (valueless !== undefined) return `--${valueless}: needs a value`;
  if (command !== null && message.startsWith('Not enough non-option arguments'))
    return `reprise ${command.usage}: something is missing, e.g. ${command.examples[0]}; --help shows more`;
  const [, argument, given = '', choices = ''] = /Argument: (.+), Given: "(.*)", Choices: (.+)$/.exec(message) ?? [];
  if (argument !== undefined)
    return `${argument in (command?.options ?? {}) ? '--' : ''}${argument}: "${given}" is not known${didYouMean(given, choices.replaceAll('"', '').split(', '))}`;
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)?.[1]?.split(', ') ?? [];
  return unknown.length === 0 ? message : unknownWords(unknown, args, command, names);
}

/** The message for an option that a command does not have, with or without its dashes and value. */
export function unknownOption(word: string, { options, usage }: Command): string {
  const name = word.replace(/^-+/, '').replace(/=.*/s, '');
  const known = [...Object.keys(options), ...GLOBAL_OPTIONS];
  const near = nearest(name, [...known, ...known.map((each) => `no-${each}`)]);
  const hint = near === undefined ? '' : `; did you mean --${near}?`;
  return `unknown option ${word.replace(/=.*/s, '')}${hint}\n"reprise ${usage.split(' ')[0]} --help" lists what there is`;
}

/** A word that may be a key, as where the quotes of `--header "Authorization: Bearer KEY"` were forgotten, is not shown. */
function shownWord(word: string, args: readonly string[]): string {
  const isBesideKey = args.some((arg) =>
    /^--?[\w-]*(header|key|token(?!i)|auth|secret|passw|extra-body)|^(bearer|basic)$/i.test(arg),
  );
  const isLikeKey = /^[^\s/.]{16,}$/.test(word) && /\d/.test(word);
  return isBesideKey || isLikeKey ? '(not shown: it may be a key); does a value need quotes?' : `"${word}"`;
}

function unknownWords(
  unknown: readonly string[],
  args: readonly string[],
  command: Command | null,
  names: readonly string[],
): string {
  const isOption = (word: string): boolean =>
    args.some((arg) => arg.startsWith(`-${word}`) || arg.startsWith(`--${word}`));
  const options = [...Object.keys(command?.options ?? {}), ...GLOBAL_OPTIONS];
  const of = command === null ? '' : ` ${command.usage.split(' ')[0]}`;
  const all = `"reprise${of} --help" lists what there is`;
  // Arguments after an unknown command belong to that command.
  const wrong = command === null ? unknown.find((word) => !isOption(word)) : undefined;
  if (wrong !== undefined) {
    const near = nearest(wrong, names);
    return `unknown command "${wrong}"${near === undefined ? '' : `; did you mean "${near}"?`}\n${all}`;
  }
  const lines = unknown.map((word) => {
    if (!isOption(word)) return `unexpected argument ${shownWord(word, args)}`;
    const near = nearest(word, options);
    return `unknown option --${word}${near === undefined ? '' : `; did you mean --${near}?`}`;
  });
  return `${lines.join('\n')}\n${all}`;
}
