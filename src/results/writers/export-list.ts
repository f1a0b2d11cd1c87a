import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { MOST_JSON_BYTES, readTextWithin } from '../../core/read-within.ts';
import { writeWhole } from '../../runs/run-directory.ts';

/**
 * In a folder of exports: the SHA-256 of each file as it was written, as `sha256sum -c` reads it. The forms of other tools
 * have no place to say who wrote them.
 */
const LIST = 'reprise.sha256';

/** Throws a UserError where one of these files is there, and not as an export before has left it. */
export function checkExports(folder: string, names: readonly string[]): void {
  const known = readList(folder);
  for (const name of names) {
    const file = join(folder, name);
    if (existsSync(file) && known.get(name) !== digestOf(file))
      throw new UserError(
        `${file}: is there, and not as "report --export" wrote it; choose another --out, or remove it`,
      );
  }
}

/** Adds the files, which have just been written, to the list. */
export function noteExports(folder: string, names: readonly string[]): void {
  const known = new Map(readList(folder));
  for (const name of names) known.set(name, digestOf(join(folder, name)));
  const lines = [...known].map(([name, digest]) => `${digest}  ${name}\n`);
  writeWhole(join(folder, LIST), lines.join(''));
}

function readList(folder: string): ReadonlyMap<string, string> {
  const file = join(folder, LIST);
  if (!existsSync(file)) return new Map();
  const lines = readTextWithin(file, MOST_JSON_BYTES).split('\n').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [, digest, name] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
      if (digest === undefined || name === undefined)
        throw new UserError(`${file}: is no list of exported files; choose another --out, or remove it`);
      return [name, digest];
    }),
  );
}

const PIECE = 1 << 20;

function digestOf(file: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(PIECE);
  const descriptor = openSync(file, 'r');
  try {
    for (let read = 0; (read = readSync(descriptor, piece)) > 0;) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}
