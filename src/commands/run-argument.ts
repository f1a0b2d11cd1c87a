import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearest } from '../core/did-you-mean.ts';
import { UserError } from '../core/errors.ts';
import { manifestFile } from '../runs/run-directory.ts';
import { foundAt } from '../core/read-within.ts';

/**
 * The run directory that an argument names: itself, or that of a file in it, such as its report. Throws a UserError with
 * the nearest run directory where there is nothing of this name, or the runs of a search where it is the folder of one.
 */
export function runArgument(given: string): string {
  const found = foundAt(given);
  if (found === undefined) throw new UserError(`${given}: no such directory${nearRun(given)}`);
  if (found.isDirectory() && !existsSync(manifestFile(given))) checkNoSearch(given);
  return !found.isDirectory() && existsSync(manifestFile(dirname(given))) ? dirname(given) : given;
}

/** Where the runs of a search may stand; of several targets, in a folder of each. */
const RUNS_OF_A_SEARCH: readonly (readonly [file: string, runs: readonly string[]])[] = [
  ['goodput.json', ['probes/*', 'traffic']],
  ['goodputs.json', ['*/probes/*', '*/traffic']],
];

function checkNoSearch(dir: string): void {
  for (const [file, runs] of RUNS_OF_A_SEARCH)
    if (existsSync(join(dir, file)))
      throw new UserError(
        `${dir}: is a search for the goodput, not a run; its report is ${join(dir, file.replace('.json', '.html'))}, its runs are ${runs.map((name) => join(dir, name)).join(' or ')}`,
      );
}

function nearRun(given: string): string {
  const parent = dirname(given);
  const entries = foundAt(parent)?.isDirectory() === true ? readdirSync(parent) : [];
  const runs = entries.filter((name) => existsSync(manifestFile(join(parent, name))));
  const near = nearest(basename(given), runs) ?? runs.find((name) => name.includes(basename(given)));
  if (near !== undefined) return `; did you mean ${join(parent, near)}?`;
  const latest = runs.toSorted().at(-1);
  return latest === undefined ? '' : `; the last run in ${parent} is ${latest}`;
}
