import { UserError } from '../core/errors.ts';
import { checkEnded } from '../run/finish.ts';
import { readManifest } from '../runs/read-manifest.ts';
import type { Manifest } from '../schema/manifest.ts';
import { hasRun, removeRun } from './goodput/run-folders.ts';

/**
 * What an earlier command left in the folder of a run that is asked for again: what `settled` makes of its manifest. Null
 * where there is none, or `settled` finds nothing in it: then it is removed, and the run is to be made. `what`: what the
 * command makes; `unlike`: what the run was asked to do otherwise. Throws a UserError where another run is there, or one
 * that goes on: it is never written over.
 */
export async function keptRun<T>(
  dir: string,
  what: 'search' | 'sweep' | 'comparison',
  unlike: (found: Manifest) => readonly string[],
  settled: (found: Manifest) => Promise<T | null>,
): Promise<T | null> {
  if (!hasRun(dir)) return null;
  const manifest = readManifest(dir);
  const others = unlike(manifest);
  if (others.length > 0)
    throw new UserError(
      `${dir}: this run is of another ${what} (other ${others.join(', ')}); choose another --out, or remove it`,
    );
  checkEnded(dir, manifest);
  const found = await settled(manifest);
  if (found === null) removeRun(dir);
  return found;
}
