import { kebab } from '../core/option-names.ts';
import { withoutCommandKeys } from '../core/command-keys.ts';
import { HIDDEN, withoutQueryValues } from '../core/secrets.ts';
import type { Manifest } from '../schema/manifest.ts';
import { shownServers } from '../target/server-list.ts';
import { shownBodyText } from './extra-body.ts';

/** Options as the user gave them, by their names on the command line. */
type GivenOptions = NonNullable<Manifest['options']>;
type Value = GivenOptions[string];

/** Options that say where a run is printed rather than what it is: another run has others. */
const OF_OUTPUT: ReadonlySet<string> = new Set(['out', 'traceIterations']);

/** What may be shown of the values of options that may hold keys. */
const SHOWN: Readonly<Record<string, (value: string) => string>> = {
  header: (value) => value.replace(/:.*/s, ': ***'),
  'extra-body': shownBodyText,
  target: shownServers,
  ready: withoutQueryValues,
  start: withoutCommandKeys,
};

/**
 * The options for `run.json`, in the order of `names`, with the keys that they may hold hidden; null where one is an
 * object of a program, which no file can hold.
 */
export function shownOptions(given: unknown, names: readonly string[]): Manifest['options'] {
  const options = fields(given);
  const shown: Record<string, Value> = {};
  for (const name of names) {
    const value = options[name];
    if (OF_OUTPUT.has(name) || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    const text = name === 'extraBody' && typeof value === 'object' ? JSON.stringify(value) : value;
    const kept = shownValue(kebab(name), text);
    if (kept === null) return null;
    shown[kebab(name)] = kept;
  }
  return shown;
}

/** The fields of an object; none of anything else. */
export function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Null where it is an object of a program. */
function shownValue(name: string, value: unknown): Value | null {
  if (typeof value === 'string') return SHOWN[name]?.(value) ?? value;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return Array.isArray(value) ? value.map((each) => SHOWN[name]?.(String(each)) ?? String(each)) : null;
}

/** The command line that gives the options; `workload` is its argument. Empty where there are none to give. */
export function commandOf(options: Manifest['options']): string[] {
  if (options === null) return [];
  return ['reprise', 'run', ...Object.entries(options).flatMap(([name, value]) => wordsOf(name, value))];
}

function wordsOf(name: string, value: Value): string[] {
  if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`];
  if (typeof value === 'object') return value.flatMap((each) => wordsOf(name, each));
  const word = String(value);
  if (name === 'workload') return [word.startsWith('-') && word !== '-' ? `./${word}` : word];
  // A value that begins like an option is read as one where it is a word of its own.
  return word.startsWith('-') ? [`--${name}=${word}`] : [`--${name}`, word];
}

/** The parts of a recorded option that are hidden, as messages may name them; empty where it is whole. */
export function hiddenParts(name: string, value: Value): string[] {
  if (!Object.hasOwn(SHOWN, name)) return [];
  const texts = typeof value === 'object' ? value : [String(value)];
  return texts.filter((each) => each.includes(HIDDEN)).map((each) => `--${name} '${each}'`);
}
