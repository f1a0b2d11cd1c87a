import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../core/errors.ts';
import { GOAL, type SloSpec } from '../core/slo.ts';
import { importedBefore, importedDirectory, importRun } from '../results/import-run.ts';
import { openResults, resultArgument } from '../results/open-results.ts';
import { describeSlo } from '../run/manifest.ts';
import { checkRunDirectory, manifestFile } from '../runs/run-directory.ts';
import type { Manifest } from '../schema/manifest.ts';
import { foundAt } from '../core/read-within.ts';

export interface ImportArguments {
  /** Null: not given. */
  readonly slo: SloSpec | null;
  readonly at: number | null;
  readonly out: string | undefined;
}

export interface ImportedArgument {
  readonly dir: string;
  readonly manifest: Manifest;
  /** It was made just now, with the SLO that was given as its own. */
  readonly isNew: boolean;
}

/**
 * The run directory of a result file of another tool, made where there is none of it yet; null where the argument names a
 * run directory, a file in one, or nothing.
 */
export async function importedOf(
  given: string,
  { slo, at, out }: ImportArguments,
  of: number,
): Promise<ImportedArgument | null> {
  if (isRun(given)) return refuseOut(out, given);
  const named = resultArgument(given);
  if (named === null) return refuseOut(out, given);
  if (out !== undefined && of > 1)
    throw new UserError(`--out ${out}: one directory for ${of} results; report them one by one`);
  if (slo === null && at !== null)
    throw new UserError(`--at: ${given} has no SLO to meet; give its limits, e.g. --slo ttft=200ms`);
  const result = await openResults(named.path, named.number);
  const dir = out ?? importedDirectory(result);
  const before = existsSync(dir) ? importedBefore(dir, result) : null;
  if (before !== null) return { dir, manifest: before, isNew: false };
  checkRunDirectory(dir);
  const judged = slo === null ? null : describeSlo(slo, at ?? GOAL);
  const manifest = await importRun(result, { dir, slo: judged, nowIso: new Date().toISOString() });
  return { dir, manifest, isNew: true };
}

function refuseOut(out: string | undefined, given: string): null {
  if (out === undefined) return null;
  throw new UserError(`--out ${out}: is for results of other tools, and for --export; ${given} is a run: leave it out`);
}

/** A run directory, or a file in one. */
function isRun(given: string): boolean {
  const found = foundAt(given);
  if (found === undefined) return false;
  return existsSync(manifestFile(found.isDirectory() ? given : dirname(given)));
}
