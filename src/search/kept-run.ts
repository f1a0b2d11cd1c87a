import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { checkEnded } from '../run/finish.ts';
import { manifestFile, readManifest } from '../runs/run-directory.ts';
import type { Manifest } from '../schema/manifest.ts';

/**
 * What an earlier command left in the folder of a run that is asked for again: what `settled` makes of its manifest. Null
 * where there is none, or `settled` finds nothing in it: then it is removed, and the run is to be made. `what`: what the
 * command makes; `unlike`: what the run was asked to do otherwise. Throws a UserError where another run is there, or one
 * that goes on: it is never written over.
 */
export async function keptRun<T>(
  dir: string,
  what: 'search' | 'comparison',
  unlike: (found: Manifest) => readonly string[],
  settled: (found: Manifest) => Promise<T | null>,
): Promise<T | null> {
  if (!existsSync(dir)) return null;
  if (isUnbegun(dir)) {
    rmSync(dir, { recursive: true });
    return null;
  }
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

/** What a client that was killed as it made a run directory, or removed one, leaves: no run.json, and no records. */
function isUnbegun(dir: string): boolean {
  return (
    statSync(dir).isDirectory() &&
    readdirSync(dir, { recursive: true }).every((name) => name === 'requests' || name === 'run.json.tmp')
  );
}

/** Its manifest last, so that what is left of it is known for a run. */
function removeRun(dir: string): void {
  const names = readdirSync(dir).filter((name) => name !== basename(manifestFile(dir)));
  for (const name of names) rmSync(join(dir, name), { recursive: true });
  rmSync(dir, { recursive: true });
}
