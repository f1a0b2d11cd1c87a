import { basename, resolve } from 'node:path';
import { withoutCommandKeys } from '../core/command-keys.ts';
import type { LoadedRun } from './load-runs.ts';

type Names = readonly [base: string, now: string];
type Runs = readonly LoadedRun[];

/** Letters of a command, at most. */
const LONGEST = 60;

/**
 * What to call the two: their targets where these differ; of one target, what differs in the commands that started it,
 * or in what it says of itself; else their folders.
 */
export function sideNames(base: Runs, now: Runs, paths: Names): Names {
  const candidates: readonly Names[] = [
    [targetOf(base), targetOf(now)],
    differing(startOf(base), startOf(now)),
    [engineOf(base), engineOf(now)],
    [modelOf(base), modelOf(now)],
    [basename(resolve(paths[0])), basename(resolve(paths[1]))],
  ];
  return candidates.find(([a, b]) => a !== '' && b !== '' && a !== b) ?? paths;
}

/** Without the seed of an engine's noise, where it tells repeats apart. */
function targetOf(runs: Runs): string {
  const specs = [...new Set(runs.map(({ manifest }) => manifest.target.spec))];
  const [spec = ''] = specs;
  return specs.length === 1 ? spec : spec.replace(/,seed=\d+/, '');
}

/** The words of the command that started the server of a side, without keys; none where it was not started. */
function startOf(runs: Runs): string[] {
  const command = common(runs, ({ manifest: { options } }) => options?.['start']);
  return command === '' ? [] : withoutCommandKeys(command).trim().split(/\s+/);
}

function engineOf(runs: Runs): string {
  const [engine, version] = [common(runs, factOf('engine')), common(runs, factOf('version'))];
  return version.startsWith(engine) ? version : `${engine} ${version}`.trim();
}

function modelOf(runs: Runs): string {
  return common(runs, ({ manifest: { target } }) => target.model);
}

const factOf =
  (name: string) =>
  ({ manifest: { target } }: LoadedRun): unknown =>
    target.facts[name];

/** A text that all runs of a side have; else empty. */
function common(runs: Runs, of: (run: LoadedRun) => unknown): string {
  const [text, ...others] = new Set(runs.map(of));
  return typeof text === 'string' && others.length === 0 ? text : '';
}

/** From the first word that differs to the last, an option with its name: `--max-num-seqs 64`, `without --async`. */
function differing(base: readonly string[], now: readonly string[]): Names {
  const shorter = Math.min(base.length, now.length);
  if (shorter === 0) return ['', ''];
  const places = Array.from({ length: shorter }, (_, i) => i);
  let from = places.find((i) => base[i] !== now[i]) ?? shorter;
  const same = places.find((i) => base.at(-1 - i) !== now.at(-1 - i)) ?? shorter;
  const kept = Math.min(same, shorter - from);
  const isValue = (words: readonly string[]): boolean =>
    from < words.length - kept && words[from]?.startsWith('-') === false;
  if (base[from - 1]?.startsWith('-') === true && (isValue(base) || isValue(now))) from--;
  const [a, b] = [base, now].map((words) => words.slice(from, words.length - kept).join(' '));
  return [shortened(a || `without ${b}`), shortened(b || `without ${a}`)];
}

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 3)}...`;
}
