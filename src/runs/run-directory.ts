import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import { checkReplaceable } from '../core/own-file.ts';
import { foundAt, MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import type { Manifest } from '../schema/manifest.ts';
import { forgetNotes, notedFiles, sealed } from './seal.ts';
import type { Summary } from '../schema/summary.ts';

/** Ends the name of a file until it is complete; recovery removes files that still have it. */
export const UNFINISHED_SUFFIX = '.tmp';

/** In a directory while a command writes to it (`owner.ts`). */
export const LOCK_FILE = 'owner.lock';

/** The name of a file until it is complete; of this process, so that it replaces no other file. */
export const unfinished = (file: string): string => `${file}.${process.pid}${UNFINISHED_SUFFIX}`;

export const manifestFile = (dir: string): string => join(dir, 'run.json');
export const clientFile = (dir: string): string => join(dir, 'client.parquet');
export const serverFile = (dir: string): string => join(dir, 'server.parquet');
export const serverLogFile = (dir: string): string => join(dir, 'server.log');
export const requestsDirectory = (dir: string): string => join(dir, 'requests');
export const partFile = (dir: string, worker: number, number: number): string =>
  join(requestsDirectory(dir), `part-${worker}-${String(number).padStart(5, '0')}.parquet`);
export const journalFile = (dir: string, worker: number, number: number): string =>
  join(requestsDirectory(dir), `open-${worker}-${String(number).padStart(5, '0')}.journal`);

/** The report; `judged` names another SLO than the run's own, whose files stand beside those of the run. */
export function reportFile(dir: string, judged: string | null = null): string {
  return join(dir, `report${suffix(judged)}.html`);
}

function suffix(judged: string | null): string {
  return judged === null ? '' : `-${judged}`;
}

/** Throws a UserError if something is in the way of a new run directory: a run is never written over another. */
export function checkRunDirectory(dir: string): void {
  if (isDirectory(dir) && readdirSync(dir).some((name) => name !== LOCK_FILE))
    throw new UserError(`${dir}: not empty; choose another --out, or remove it`);
  checkDirectory(dir);
}

/** Makes a new run directory, if `checkRunDirectory` allows it. */
export function createRunDirectory(dir: string): void {
  checkRunDirectory(dir);
  makeDirectory(requestsDirectory(dir));
}

/** As long as any path below a directory that a command writes to, from that directory. */
const LONGEST_BELOW = join('requests', 'open-00000-00000.journal.damaged.tmp');

/** Throws a UserError where a directory cannot be made, or written to; it is made for that, and removed again. */
export function checkDirectory(dir: string): void {
  const made: string[] = [];
  try {
    makeDirectory(dir, made);
    accessSync(dir, constants.W_OK | constants.X_OK);
    lstatSync(join(dir, LONGEST_BELOW), { throwIfNoEntry: false });
  } catch (error) {
    throw writeError(dir, error);
  } finally {
    for (const each of made.toReversed()) removeEmpty(each);
  }
}

/** Leaves a directory in which another process has put something. */
export function removeEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // It holds something.
  }
}

/** Another process may remove what it had made above (`checkDirectory`): so often it is made anew. */
const TRIES = 5;

/**
 * Makes a directory and what is missing above it, and adds each to `made`. Node's own `recursive` never returns where there
 * can be none (/proc). Throws a UserError where something else is in its place.
 */
export function makeDirectory(dir: string, made: string[] = []): void {
  for (let tries = 1; !isDirectory(dir); tries++) {
    makeDirectory(dirname(resolve(dir)), made);
    try {
      mkdirSync(dir);
      made.push(dir);
    } catch (error) {
      const isRaced = error instanceof Error && 'code' in error && (error.code === 'EEXIST' || error.code === 'ENOENT');
      if (!isRaced || tries === TRIES) throw writeError(dir, error);
    }
  }
}

/** False where there is nothing, but may be. Throws a UserError where there can be no directory. */
function isDirectory(path: string): boolean {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) return true;
    if (found !== undefined)
      throw new UserError(`${path}: a directory was to be here, but this is a file; ${OTHER_OUT}`);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
      throw new UserError(`${path}: a directory was to be here, but this is a link to nothing; ${OTHER_OUT}`);
    return false;
  } catch (error) {
    // What is above it is a file, and is looked at next.
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return false;
    throw writeError(path, error);
  }
}

/**
 * Throws a UserError where files that are written together would replace what Reprise has not made. The first of them says
 * whose they are, and is written first; `key`: what its JSON has behind `schema`.
 */
export function checkTogether(
  dir: string,
  [first, ...others]: readonly [string, ...string[]],
  key: string,
  option = '--out',
): void {
  const head = join(dir, first);
  checkReplaceable(head, (text) => new RegExp(`^\\{\\s*"schema": ?1,\\s*"${key}":`).test(text), option);
  if (existsSync(head)) return;
  const foreign = others.find((name) => existsSync(join(dir, name)));
  if (foreign !== undefined)
    throw new UserError(
      `${option}: ${join(dir, foreign)} is there without ${first}, so that Reprise has not written it; name another folder, or remove it`,
    );
}

/**
 * Writes `run.json`, sealed: once the run has ended, with the digests of its files. It is the one file that is synced to
 * the device: after a power cut it is the old one or the new one, and names what else has lost bytes. Returns what it
 * has written.
 */
export function writeManifest(dir: string, manifest: Manifest): Manifest {
  const noted = manifest.status === 'running' ? null : notedFiles(dir);
  const inPlace = [...(noted ?? [])].filter(([name]) => existsSync(join(dir, name)));
  const files = noted === null ? {} : { files: { ...manifest.files, ...Object.fromEntries(inPlace) } };
  const written = sealed({ ...manifest, ...files });
  writeJson(manifestFile(dir), written, true);
  if (noted !== null) forgetNotes(dir);
  return written;
}

export function writeSummary(dir: string, summary: Summary, judged: string | null): void {
  writeJson(summaryFile(dir, judged), summary);
}

/** Whether the summary of a run is there, and this one. */
export function hasSummary(dir: string, summary: Summary): boolean {
  const file = summaryFile(dir, null);
  return foundAt(file) !== undefined && readTextWithin(file, MOST_JSON_BYTES) === jsonText(summary);
}

function summaryFile(dir: string, judged: string | null): string {
  return join(dir, `summary${suffix(judged)}.json`);
}

export function writeMarkdown(dir: string, markdown: string, judged: string | null): void {
  writeWhole(join(dir, `summary${suffix(judged)}.md`), markdown);
}

export function writeReport(dir: string, html: string, judged: string | null): void {
  writeWhole(reportFile(dir, judged), html);
}

function writeJson(file: string, value: unknown, flush = false): void {
  writeWhole(file, jsonText(value), flush);
}

const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Written under another name, then renamed: a reader sees the old file or the new one, never half of one. */
export function writeWhole(file: string, text: string, flush = false): void {
  const aside = unfinished(file);
  try {
    writeFileSync(aside, text, { flush });
    renameSync(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw writeError(file, error);
  }
}

/** The way out of most errors of writing. */
const OTHER_OUT = 'choose another --out';

/** An error of writing where no `--out` names the folder, with another way out; it may have come from another thread. */
export function withWayOut(error: unknown, way: string): unknown {
  if (!(error instanceof UserError) || !error.message.includes(OTHER_OUT)) return error;
  return new UserError(error.message.replace(OTHER_OUT, way), { exitCode: error.exitCode, cause: error });
}

/** A UserError for a full disk and the like; any other error is a fault of ours and is returned as it is. */
export function writeError(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  return new UserError(`${path}: cannot be written: ${error.message}; ${wayOut(error)}${OTHER_OUT}`, {
    cause: error,
  });
}

/** What the errors of writing ask for that another place does not answer alone. */
function wayOut(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') return 'make room, or ';
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'make it writable, or ' : '';
}

/** Of a disk that is full, over its quota, broken, or mounted to be read. */
const DISK_ERRORS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS']);

/** The error as it is, or a UserError where the disk under `dir` could not be written, by whichever write. */
export function diskError(dir: string, error: unknown): unknown {
  return error instanceof Error && 'code' in error && DISK_ERRORS.has(error.code) ? writeError(dir, error) : error;
}
