import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf, UserError } from '../core/errors.ts';
import { foundAt, MOST_JSON_BYTES, readTextWithin } from '../core/read-within.ts';
import { type Manifest, manifestSchema } from '../schema/manifest.ts';
import { forgetNotes, notedFiles, sealed } from './seal.ts';
import type { Summary } from '../schema/summary.ts';

/** Ends the name of a file until it is complete; recovery removes files that still have it. */
export const UNFINISHED_SUFFIX = '.tmp';

/** In a directory while a command writes to it (`owner.ts`). */
export const LOCK_FILE = 'owner.lock';

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
  const found = foundAt(dir);
  if (found !== undefined && !found.isDirectory())
    throw new UserError(`${dir}: a run directory was to be made here, but this is a file; choose another --out`);
  if (found !== undefined && readdirSync(dir).some((name) => name !== LOCK_FILE))
    throw new UserError(`${dir}: not empty; choose another --out, or remove it`);
  let nearest = resolve(dir);
  while (!existsSync(nearest)) nearest = dirname(nearest);
  try {
    accessSync(nearest, constants.W_OK);
  } catch (error) {
    throw writeError(dir, error);
  }
}

/** Makes a new run directory, if `checkRunDirectory` allows it. */
export function createRunDirectory(dir: string): void {
  checkRunDirectory(dir);
  makeDirectory(requestsDirectory(dir));
}

/** Makes a directory and what is missing above it. Node's own `recursive` never returns where there can be none (/proc). */
export function makeDirectory(dir: string): void {
  if (existsSync(dir)) return;
  makeDirectory(dirname(resolve(dir)));
  try {
    mkdirSync(dir);
  } catch (error) {
    // Another process may just have made it.
    if (!existsSync(dir)) throw writeError(dir, error);
  }
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

/** The manifest of a run. A UserError if `dir` is not a run directory, or its manifest is damaged. */
export function readManifest(dir: string): Manifest {
  const file = manifestFile(dir);
  if (foundAt(dir) === undefined) throw new UserError(`${dir}: no such directory`);
  if (foundAt(file) === undefined)
    throw new UserError(`${dir}: not a run directory: there is no run.json in it; name one that \`reprise run\` made`);
  let json: unknown;
  try {
    json = JSON.parse(readTextWithin(file, MOST_JSON_BYTES));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${file}: damaged: ${messageOf(error)}; restore the file, or run again (the records beside it are whole files of their own)`,
      { cause: error },
    );
  }
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new UserError(`${file}: not a manifest of this version of Reprise:\n${z.prettifyError(parsed.error)}`);
}

export function writeSummary(dir: string, summary: Summary, judged: string | null): void {
  writeJson(join(dir, `summary${suffix(judged)}.json`), summary);
}

export function writeMarkdown(dir: string, markdown: string, judged: string | null): void {
  writeWhole(join(dir, `summary${suffix(judged)}.md`), markdown);
}

export function writeReport(dir: string, html: string, judged: string | null): void {
  writeWhole(reportFile(dir, judged), html);
}

function writeJson(file: string, value: unknown, flush = false): void {
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`, flush);
}

/** Written under another name, then renamed: a reader sees the old file or the new one, never half of one. */
export function writeWhole(file: string, text: string, flush = false): void {
  const aside = file + UNFINISHED_SUFFIX;
  try {
    writeFileSync(aside, text, { flush });
    renameSync(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw writeError(file, error);
  }
}

/** A UserError for a full disk and the like; any other error is a fault of ours and is returned as it is. */
export function writeError(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  return new UserError(`${path}: cannot be written: ${error.message}; make room, or choose another --out`, {
    cause: error,
  });
}
