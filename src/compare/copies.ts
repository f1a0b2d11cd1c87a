import { UserError } from '../core/errors.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { LoadedRun } from './load-runs.ts';

/**
 * Throws a UserError where one run stands in a comparison twice, on a side or on both, as the same folder, a link or a copy:
 * it would seem to show that runs do not vary, or that two systems are the same.
 */
export function requireEachOnce(runs: readonly LoadedRun[]): void {
  requireDistinct(
    runs,
    ({ manifest }) => identityOf(manifest),
    (one, other) =>
      one === other
        ? `${one}: this run would be compared with itself; name the runs of two systems`
        : `${one} and ${other} are one run, a link or a copy of it: it would be compared with itself; name each run once`,
  );
}

/**
 * Throws a UserError where repeats of a noisy engine are the same to the bit, by one seed: they would seem to show that its
 * runs do not vary.
 */
export function requireNoCopies(side: readonly LoadedRun[]): void {
  requireDistinct(
    side,
    ({ manifest, summary }) => (isNoisy(manifest) ? summary.records_sha256 : null),
    (one, other) =>
      `${one} and ${other} are the same run to the bit, and show nothing of how runs vary: give each repeat a seed= of its own (reprise ab does)`,
  );
}

export function isNoisy({ target: { facts } }: Pick<Manifest, 'target'>): boolean {
  return Number(facts['noise'] ?? 0) !== 0 || Number(facts['run_noise'] ?? 0) !== 0;
}

/** `identityOf`: two runs with one identity are not distinct; null: not known. */
function requireDistinct(
  runs: readonly LoadedRun[],
  identity: (run: LoadedRun) => string | null,
  message: (one: string, other: string) => string,
): void {
  const seen = new Map<string, LoadedRun>();
  for (const run of runs) {
    const own = identity(run);
    if (own === null) continue;
    const same = seen.get(own);
    if (same !== undefined) throw new UserError(message(same.dir, run.dir));
    seen.set(own, run);
  }
}

/** What no two runs have in common, and a copy keeps. */
function identityOf({ imported, run_id, started_at, pid, salt, target, client }: Manifest): string {
  return JSON.stringify(
    imported === undefined
      ? [run_id, started_at, pid, salt, target.spec, client?.machine_zero_us ?? null]
      : [imported.sha256, imported.run],
  );
}
