import { messageOf } from '../core/errors.ts';
import type { RunHooks } from '../run/run.ts';
import { writeManifest } from '../runs/run-directory.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { TargetSession } from '../target/session.ts';

/**
 * For a run of which connections were lost. A server that has ended breaks all of them, which no rate is to blame for:
 * its run settles nothing, and is made again when the search goes on. Throws a UserError then.
 */
export async function checkThere(
  session: TargetSession,
  dir: string,
  manifest: Manifest,
  { stop }: Pick<RunHooks, 'stop'>,
): Promise<void> {
  try {
    await session.reach(stop);
  } catch (thrown) {
    writeManifest(dir, { ...manifest, status: 'failed', reason: messageOf(thrown) });
    throw thrown;
  }
}
