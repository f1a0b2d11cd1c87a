import { UserError } from '../core/errors.ts';
import { checkEnded } from '../run/finish.ts';
import { unlikePlan } from '../run/manifest.ts';
import type { RunPlan } from '../run/plan-run.ts';
import { readManifest } from '../runs/run-directory.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { TargetSession } from '../target/session.ts';
import { hasRun } from './goodput/run-folders.ts';

/**
 * The run that an earlier search left in `dir`, of the same requests against the same target, measured in the same way,
 * however it ended; null where there is none. Throws a UserError where another run is there, or one that goes on: it is
 * never written over.
 */
export function keptRun(session: TargetSession, plan: RunPlan, dir: string): Manifest | null {
  if (!hasRun(dir)) return null;
  const manifest = readManifest(dir);
  const others = unlikePlan(manifest, plan, session);
  if (others.length > 0)
    throw new UserError(
      `${dir}: this run is of another search (other ${others.join(', ')}); choose another --out, or remove it`,
    );
  checkEnded(dir, manifest);
  return manifest;
}
