import { UserError } from '../core/errors.ts';
import { traceArgument, type Command } from './command.ts';
import { unknownOption } from './yargs-mistake.ts';

/** A command line, without what yargs would read as something else than it says. */
export interface CommandLine {
  readonly args: readonly string[];
  /** The value of each option as it is written: yargs makes NaN of what is no number. */
  readonly texts: ReadonlyMap<string, string>;
  /** Options with a value that the line turns off (`--no-slo`). */
  readonly leftOut: readonly string[];
}

/** Standard input as an argument, for which `-` is short. */
export const STDIN_FILE = '/dev/stdin';

/** Options of every command, and whether they take a value. */
const EVERYWHERE: Readonly<Record<string, boolean>> = { config: true, color: false, help: false, version: false };

/**
 * Reads the words of a line by the options of its command. Throws a UserError for a word that yargs would pass over or
 * take for something else: `--quiet=maybe`, `-limit 3`, options behind `--`, `-`, an argument that is empty, and an option
 * with one value that is given twice, of which yargs makes a list, or 2 of two 1s.
 */
export function readLine(words: readonly string[], command: Command): CommandLine {
  const args: string[] = [];
  const texts = new Map<string, string>();
  const leftOut: string[] = [];
  const single = new Set<string>();
  /** Places in `args` of options whose value may be left out, and has been found behind them. */
  const guessed: { readonly at: number; readonly name: string }[] = [];
  let named = 0;
  const takesValue = (name: string): boolean | undefined =>
    Object.hasOwn(command.options, name) ? command.options[name]?.type !== 'boolean' : EVERYWHERE[name];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      const behind = words.slice(at + 1);
      refuseOptions(behind);
      args.push(...behind);
      break;
    }
    const [, name = '', value] = /^--([\w-]+)(?:=(.*))?$/s.exec(word) ?? [];
    const positive = name.startsWith('no-') && takesValue(name) === undefined ? name.slice('no-'.length) : null;
    if (positive !== null && (takesValue(positive) === undefined || value !== undefined))
      throw new UserError(unknownOption(word, command));
    if (positive !== null && takesValue(positive) === true) {
      leftOut.push(positive);
      continue;
    }
    if (takesValue(name) === true && command.options[name]?.array !== true) {
      if (single.has(name)) throw new UserError(`--${name}: is given more than once`);
      single.add(name);
    }
    // yargs would make an empty argument of "-".
    args.push(word === '-' ? STDIN_FILE : word);
    if (takesValue(name) === false) checkSwitch(name, value);
    else if (takesValue(name) === true && value !== undefined) texts.set(name, value);
    else if (takesValue(name) === true && words[at + 1]?.startsWith('--') === false) {
      const next = words[++at] ?? '';
      if (command.options[name]?.requiresArg === false) guessed.push({ at: args.length - 1, name });
      texts.set(name, next);
      args.push(next);
    } else if (name === '') {
      checkPlain(word, command);
      named++;
    }
  }
  // An argument that is missing stands there as the value of an option that needs none: `trace inspect --html trace.csv`.
  const wanted = 1 + Object.values(command.positionals).filter(({ demandOption }) => demandOption === true).length;
  for (const { at, name } of guessed.toReversed())
    if (named < wanted && !texts.has('config')) {
      args[at] = `--${name}=`;
      if (args[at + 1] === '-') args[at + 1] = STDIN_FILE;
      texts.set(name, '');
      named++;
    }
  return { args, texts, leftOut };
}

function checkSwitch(name: string, value: string | undefined): void {
  if (value === undefined || value === 'true' || value === 'false') return;
  throw new UserError(`--${name}: got "${value}", expected no value: --${name}, or --no-${name}`);
}

/** A word that is no option with two dashes, and no value of one. */
function checkPlain(word: string, command: Command): void {
  if (word === '-' && traceArgument(command) === null)
    throw new UserError('-: standard input is not read here; save it to a file, and name that');
  // One letter each, for yargs; a negative number is an argument.
  if (/^-[a-z]/i.test(word) && word !== '-h') throw new UserError(unknownOption(word, command));
}

/** yargs would take options behind `--` for further arguments, and pass over them. */
function refuseOptions(behind: readonly string[]): void {
  const option = behind.find((word) => word.startsWith('-'));
  if (option !== undefined)
    throw new UserError(`${option}: comes behind "--", where nothing is an option; leave that "--" out`);
}
