import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import type { Manifest } from '../schema/manifest.ts';

/**
 * While a run goes on: a line for each file that is whole, as `sha256sum -c` reads it. At its end they go into `run.json`.
 */
const DIGESTS_FILE = 'files.sha256';

export type Digests = ReadonlyMap<string, string>;

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Says that a file (its name from `dir`) is in place with these bytes. One short append, which threads may do at once. */
export function noteFile(dir: string, name: string, bytes: Uint8Array): void {
  appendFileSync(join(dir, DIGESTS_FILE), `${sha256(bytes)}  ${name}\n`);
}

/** Digests of the files that have been noted, by name from `dir`; null: none were. A line that was cut off is none. */
export function notedFiles(dir: string): Digests | null {
  const file = join(dir, DIGESTS_FILE);
  if (!existsSync(file)) return null;
  const lines = readTextWithin(file, MOST_JSON_BYTES).matchAll(/^([0-9a-f]{64}) {2}(.+)\n/gm);
  return new Map([...lines].map(([, digest = '', name = '']) => [name, digest]));
}

export function forgetNotes(dir: string): void {
  rmSync(join(dir, DIGESTS_FILE), { force: true });
}

/** The manifest with a digest of its own content. */
export function sealed(manifest: Manifest): Manifest {
  return { ...manifest, seal: sealOf(manifest) };
}

/** Of the content as JSON has it, without the seal. */
function sealOf(manifest: object): string {
  // Once there and back: what JSON leaves out is no content.
  const content: unknown = JSON.parse(JSON.stringify({ ...manifest, seal: undefined }));
  return sha256(JSON.stringify(content));
}

/** What is looked at in a `run.json` to know which files are those of the run. */
const sealSchema = z.looseObject({
  status: z.string(),
  paced: z.boolean().optional(),
  workload: z.looseObject({ requests: z.number(), path: z.string() }),
  files: z.record(z.string(), z.string()).optional(),
  damage: z.array(z.string()).optional(),
  seal: z.string().optional(),
});
export type Seal = z.infer<typeof sealSchema>;

/** Null without a `run.json`, or with one that cannot be read. */
export function readSeal(file: string): (Seal & { readonly isWhole: boolean }) | null {
  try {
    const json: unknown = JSON.parse(readTextWithin(file, MOST_JSON_BYTES));
    const found = sealSchema.parse(json);
    // Of the JSON itself: a schema has an order of its own.
    const isWhole =
      found.seal === undefined || (typeof json === 'object' && json !== null && found.seal === sealOf(json));
    return { ...found, isWhole };
  } catch {
    return null;
  }
}
