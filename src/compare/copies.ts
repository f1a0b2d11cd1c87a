import { UserError } from '../core/errors.ts';
import type { LoadedRun } from './load-runs.ts';

/**
 * Throws a UserError where repeats of a noisy engine are one run again, by one seed or as a copied folder: they would seem
 * to show that its runs do not vary.
 */
export function requireNoCopies(runs: readonly LoadedRun[]): void {
  const seen = new Map<string, LoadedRun>();
  for (const run of runs) {
    const { facts } = run.manifest.target;
    const { records_sha256: sha256 } = run.summary;
    if (sha256 === null || (Number(facts['noise'] ?? 0) === 0 && Number(facts['run_noise'] ?? 0) === 0)) continue;
    const same = seen.get(sha256);
    if (same !== undefined)
      throw new UserError(
        `${same.dir} and ${run.dir} are the same run to the bit, and show nothing of how runs vary: give each repeat a seed= of its own (reprise ab does)`,
      );
    seen.set(sha256, run);
  }
}
