import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';

/**
 * While a run goes on: a line for each file that is whole, as `sha256sum -c` reads it. At its end they go into `run.json`.
 */
const DIGESTS_FILE = 'files.sha256';

/** Receives what is wrong with the files of a run, a sentence that names the file; reading goes on without it. */
export type OnProblem = (problem: string) => void;

/** For readers who need the whole run. */
export const refuse: OnProblem = (problem) => {
  throw new UserError(problem);
};

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

/** The content of a JSON file, or of a line of one, with a digest of itself. */
export function sealed<T extends object>(content: T): T & { readonly seal: string } {
  return { ...content, seal: sealOf(content) };
}

/** Of the content as JSON has it, without the seal. */
function sealOf(json: object): string {
  // Once there and back: what JSON leaves out is no content.
  const content: unknown = JSON.parse(JSON.stringify({ ...json, seal: undefined }));
  return sha256(JSON.stringify(content));
}

/**
 * What is wrong with JSON that is kept `sealed`, before any schema puts it in an order of its own; null: it is as it was
 * written, or of an earlier version, which had neither a seal nor the digests in a `run.json`.
 */
export function sealProblem(file: string, json: unknown): string | null {
  if (typeof json !== 'object' || json === null) return null;
  const seal = 'seal' in json ? json.seal : undefined;
  if (seal === undefined ? !('files' in json) : seal === sealOf(json)) return null;
  return `${file}: not as Reprise wrote it: its content has another digest than its seal; restore it`;
}
