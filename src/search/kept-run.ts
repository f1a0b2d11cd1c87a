import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { checkEnded } from '../run/finish.ts';
import { unlikePlan } from '../run/manifest.ts';
import type { RunPlan } from '../run/plan-run.ts';
import { manifestFile, readManifest } from '../runs/run-directory.ts';
import type { Manifest } from '../schema/manifest.ts';
import { summarySchema, type Summary } from '../schema/summary.ts';
import type { TargetSession } from '../target/session.ts';

/**
 * The run that an earlier search left in `dir`, of the same requests against the same target, measured in the same way,
 * however it ended; null where there is none. Throws a UserError where another run is there, or one that goes on: it is
 * never written over.
 */
export function keptRun(session: TargetSession, plan: RunPlan, dir: string): Manifest | null {
  if (!existsSync(dir)) return null;
  if (isUnbegun(dir)) {
    rmSync(dir, { recursive: true });
    return null;
  }
  const manifest = readManifest(dir);
  const others = unlikePlan(manifest, plan, session);
  if (others.length > 0)
    throw new UserError(
      `${dir}: this run is of another search (other ${others.join(', ')}); choose another --out, or remove it`,
    );
  checkEnded(dir, manifest);
  return manifest;
}

/** What a client that was killed as it made a run directory, or removed one, leaves: no run.json, and no records. */
function isUnbegun(dir: string): boolean {
  return (
    statSync(dir).isDirectory() &&
    readdirSync(dir, { recursive: true }).every((name) => name === 'requests' || name === 'run.json.tmp')
  );
}

/** Its manifest last, so that what is left of it is known for a run. */
export function removeRun(dir: string): void {
  const names = readdirSync(dir).filter((name) => name !== basename(manifestFile(dir)));
  for (const name of names) rmSync(join(dir, name), { recursive: true });
  rmSync(dir, { recursive: true });
}

/** Null where it is not written yet. */
export function readSummary(dir: string): Summary | null {
  const file = join(dir, 'summary.json');
  return existsSync(file) ? summarySchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : null;
}
