import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { UserError } from '../../src/core/errors.ts';
import { FileHash, unreadable } from '../file-bytes.ts';
import { fileText } from '../file-text.ts';
import { namesText } from '../formats/format.ts';
import { firstLine, joined } from './first-line.ts';
import type { TraceText } from './trace-text.ts';

/** Harbor keeps these deep in the folder of a job, beside files that are no traces. */
const TRAJECTORY = /(?:^|\.)trajectory(?:[-.].*)?\.jsonl?(?:\.gz)?$/i;
/** What other traces are called, those first that surely are some: texts beside data are notes. */
const ENDINGS = [/\.(?:jsonl?|ndjson|csv|tsv|parquet)(?:\.gz)?$/i, /\.(?:txt|log)(?:\.gz)?$/i];

/** Folders within folders, and all that is in them, beyond which a folder was named by mistake. */
const MOST_DEPTH = 8;
const MOST_FILES = 100_000;

/**
 * The files of a folder as one trace, in the order of their names; hidden files and, where others are called as traces
 * are, files that are not, are left out and named. Folders within it are searched where none of its own files is called
 * so, and for trajectories. A header that stands in each of the files counts once.
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
      const lines = await Promise.all(
        files.map(async (file, i) => `${await hashes[i]?.hex()}  ${relative(folder, file)}\n`),
      );
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

/** Files by their paths below the folder. */
function filesOf(folder: string): { files: string[]; others: string[] } {
  const all = filesBelow(folder, '', 0, []);
  const own = all.filter((path) => basename(path) === path);
  const sets = [own, all].flatMap((paths) => ENDINGS.map((ending) => paths.filter((path) => ending.test(path))));
  const trajectories = all.filter((path) => TRAJECTORY.test(basename(path)));
  const found = [trajectories, ...sets, own].find((paths) => paths.length > 0) ?? [];
  const read = found.toSorted((a, b) => (a < b ? -1 : 1));
  const left = new Set(read);
  const others = all.filter((path) => !left.has(path));
  if (read.length === 0)
    throw new UserError(
      `${folder}: the folder holds no files, expected those of a trace${others.length === 0 ? '' : `; below it are ${namesText(others)}`}`,
    );
  return { files: read.map((path) => join(folder, path)), others };
}

/** Adds the files of a folder and of those within it to `files`, by their paths below the first. */
function filesBelow(folder: string, below: string, depth: number, files: string[]): string[] {
  const place = join(folder, below);
  for (const entry of attempt(place, () => readdirSync(place, { withFileTypes: true }))) {
    if (/^[._]/.test(entry.name)) continue;
    const path = join(below, entry.name);
    if (!entry.isDirectory()) files.push(path);
    else if (depth < MOST_DEPTH) filesBelow(folder, path, depth + 1, files);
    if (files.length > MOST_FILES)
      throw new UserError(
        `${folder}: holds more than ${MOST_FILES} files, expected those of a trace; name a folder in it`,
      );
  }
  return files;
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
    `${folder}: mixed_formats: ${relative(folder, other)} does not begin like ${relative(folder, one)}, expected files of one form with the same header; put each form in a folder of its own`,
  );
}

function lineEnds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

const plainLine = (line: string): string => line.replace(/^\uFEFF/, '').trim();
