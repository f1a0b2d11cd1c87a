import { existsSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', '..', 'shared');

/**
 * A file of `../shared`, which development machines and CI have. `skip` goes into the test's options: a message
 * elsewhere, false in CI, so that there a missing file fails the test rather than skip it.
 */
export function shared(path: string): { path: string; skip: string | false } {
  const full = join(FOLDER, path);
  const missing = !existsSync(full) && process.env['CI'] !== 'true';
  return { path: full, skip: missing ? `needs ../shared/${path}, which is not here` : false };
}
