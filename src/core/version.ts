import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** Version of this package, from its package.json wherever it is installed. */
export function version(): string {
  const path = findPackageJSON(import.meta.url);
  if (path === undefined) throw new Error('no package.json above this file');
  // Checked by hand: `--help` and `--version` do not wait for zod.
  const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof json !== 'object' || json === null || !('version' in json) || typeof json.version !== 'string')
    throw new Error(`${path}: names no version`);
  return json.version;
}
