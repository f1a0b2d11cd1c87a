import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { z } from 'zod';

const packageFile = z.looseObject({ version: z.string() });

/** Version of this package, from its package.json wherever it is installed. */
export function version(): string {
  const path = findPackageJSON(import.meta.url);
  if (path === undefined) throw new Error('no package.json above this file');
  return packageFile.parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}
