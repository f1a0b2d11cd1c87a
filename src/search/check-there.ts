import { messageOf } from '../core/errors.ts';
import type { RunHooks } from '../run/run.ts';
import { writeManifest } from '../runs/run-directory.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { TargetSession } from '../target/session.ts';

/**
 * For a run whose connections broke: a server that has ended breaks them all, which no load is to blame for. Its run then
 * says nothing, is marked as failed, and is made again when the command goes on. Throws the UserError of the target.
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
