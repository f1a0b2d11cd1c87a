import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import { FileHash, unreadable } from '../file-bytes.ts';
import { fileText } from '../file-text.ts';
import { namesText } from '../formats/format.ts';
import { firstLine, joined } from './first-line.ts';
import type { TraceText } from './trace-text.ts';

/** What the name of a trace ends in: beside it there may be a README, a licence or a script. */
const ENDINGS = /\.(?:jsonl?|ndjson|csv|tsv|txt|log|parquet)(?:\.gz)?$/i;

/**
 * The files of a folder as one trace, in the order of their names; hidden files, folders and, where others end as traces
 * do, files that do not, are left out and named. A header that stands in each of them counts once.
 */
export function folderText(folder: string): TraceText & { readonly files: readonly string[] } {
  const { files, others } = filesOf(folder);
  const hashes = files.map((file) => new FileHash(file));
  /** Of the files that any reader has begun, which are the same for all. */
  const places: Place[] = [];
  return {
    files,
    notes: others.length === 0 ? [] : [`files not read: ${namesText(others)}`],
    async *open(mostRowBytes) {
      let line = 1;
      let header: string | null = null;
      for (const [i, file] of files.entries()) {
        const hash = hashes[i];
        if (hash === undefined) throw new Error('a file without its hash');
        const { first, rest } = await firstLine(fileText(file, hash, mostRowBytes));
        const isHeader = !/^\uFEFF?\s*[[{]/.test(first);
        if (i > 0 && isHeader !== (header !== null)) throw mixed(folder, files[0] ?? '', file);
        if (isHeader && header !== null && plainLine(first) !== plainLine(header))
          throw mixed(folder, files[0] ?? '', file);
        const dropped = isHeader && i > 0 ? lineEnds(first) : 0;
        if (i === places.length) places.push({ file, start: line - dropped });
        if (isHeader) header = first;
        let isEnded = true;
        for await (const chunk of dropped > 0 ? rest : joined(first, rest)) {
          if (chunk === '') continue;
          line += lineEnds(chunk);
          isEnded = chunk.endsWith('\n');
          yield chunk;
        }
        if (isEnded || i === files.length - 1) continue;
        line++;
        yield '\n';
      }
    },
    /** The list that `sha256sum *` prints in the folder, hashed again. */
    async sha256() {
      const lines = await Promise.all(files.map(async (file, i) => `${await hashes[i]?.hex()}  ${basename(file)}\n`));
      return createHash('sha256').update(lines.join('')).digest('hex');
    },
    placeOf(line) {
      const place = places.findLast(({ start }) => start <= line);
      return place === undefined ? null : { path: place.file, line: line - place.start + 1 };
    },
  };
}

/** Where the lines of a file begin. */
interface Place {
  readonly file: string;
  readonly start: number;
}

function filesOf(folder: string): { files: string[]; others: string[] } {
  const entries = attempt(folder, () => readdirSync(folder, { withFileTypes: true }));
  const seen = entries.filter(({ name }) => !/^[._]/.test(name));
  const names = seen.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const traces = names.filter((name) => ENDINGS.test(name));
  const read = (traces.length > 0 ? traces : names).toSorted((a, b) => (a < b ? -1 : 1));
  const others = seen.map(({ name }) => name).filter((name) => !read.includes(name));
  if (read.length === 0)
    throw new UserError(
      `${folder}: the folder holds no files, expected those of a trace${others.length === 0 ? '' : `; it has the folders ${namesText(others)}: name one of them`}`,
    );
  return { files: read.map((name) => join(folder, name)), others };
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

function mixed(folder: string, one: string, other: string): UserError {
  return new UserError(
    `${folder}: mixed_formats: ${basename(other)} does not begin like ${basename(one)}, expected files of one form with the same header; put each form in a folder of its own`,
  );
}

function lineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

const plainLine = (line: string): string => line.replace(/^\uFEFF/, '').trim();
