import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { collectGarbage } from '../core/collect-garbage.ts';
import { messageOf, UserError } from '../core/errors.ts';
import { MOST_PART_BYTES, readWithin } from '../core/read-within.ts';
import type { RecordBatch } from '../core/record.ts';
import { release } from '../core/release.ts';
import { decodeDueKeys, decodeIds, decodePart, type DueKeys, type Part } from './part.ts';
import { clientFile, manifestFile, requestsDirectory } from './run-directory.ts';
import { PARTS_A_COLLECTION, RecordWriter } from './record-writer.ts';
import { readSeal, type FoundSeal, type Seal } from './read-seal.ts';
import { notedFiles, refuse, sha256, type Digests, type OnProblem } from './seal.ts';
import { SeenIds } from './seen-ids.ts';

/** Records of a part at a time: few, so that they are gone again before V8 moves them to where it seldom collects. */
const BATCH = 256;

/**
 * The records of a run, parts in order of their names, and only whole ones: the invariant of a run directory is checked
 * on the way. Its files are those that its seal names, with their digests; each request has one record; of a run that has
 * ended there are as many as planned. Timers run between parts.
 */
export async function* readRecords(dir: string, problem: OnProblem = refuse): AsyncGenerator<RecordBatch> {
  for await (const { part, rows } of readParts(dir, problem, decodePart)) {
    for (let from = 0; from < rows.length; from += BATCH)
      yield rows.slice(from, from + BATCH).map((row) => part.record(row));
    part.release();
  }
}

/** Ids and due times of the same records in the same order. */
export async function* readDueKeys(dir: string): AsyncGenerator<DueKeys> {
  for await (const { part, rows } of readParts(dir, () => undefined, decodeDueKeys))
    yield {
      ids: rows.map((row) => part.ids[row] ?? ''),
      dueUs: Float64Array.from(rows, (row) => part.dueUs[row] ?? Number.NaN),
    };
}

/** A part, and those of its rows that count. */
interface FoundPart<T> {
  readonly part: T;
  readonly rows: readonly number[];
}

async function* readParts<T extends Pick<Part, 'ids'>>(
  dir: string,
  problem: OnProblem,
  decode: (bytes: Uint8Array) => Promise<T>,
): AsyncGenerator<FoundPart<T>> {
  const seal = readSeal(manifestFile(dir));
  if (seal !== null) checkManifest(dir, seal, problem);
  const digests = digestsOf(dir, seal);
  const seen = new SeenIds();
  const before: string[] = [];
  let records = 0;
  for (const file of partFiles(dir)) {
    const digest = digests?.get(partName(file));
    if (seal?.files !== undefined && digest === undefined) {
      problem(`${file}: not a part of this run, by the seal in its run.json; move it out of requests/`);
      continue;
    }
    const part = await readPart(file, digest, decode);
    if (typeof part === 'string') {
      problem(part);
      continue;
    }
    const perhapsTwice = new Set(part.ids.filter((id) => !seen.add(id)));
    const rows = firstRows(part.ids, perhapsTwice, await idsOf(before, perhapsTwice));
    const doubles = part.ids.length - rows.length;
    if (doubles > 0)
      problem(`${file}: ${doubles} of its requests have a record in a part before it, which counts; remove the copy`);
    yield { part, rows };
    before.push(file);
    if (before.length % PARTS_A_COLLECTION === 0) collectGarbage();
    records += rows.length;
    await setImmediate();
  }
  if (before.length >= PARTS_A_COLLECTION) collectGarbage();
  if (seal !== null) checkCount(dir, seal, records, problem);
}

/** Which of some ids these parts have, which have been read before. */
async function idsOf(files: readonly string[], wanted: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>();
  if (wanted.size === 0) return found;
  for (const file of files) {
    const part = await readPart(file, undefined, decodeIds);
    if (typeof part !== 'string') for (const id of part.ids) if (wanted.has(id)) found.add(id);
  }
  return found;
}

/** Rows with the first record of their requests; `taken`: ids that have one in a part before. */
function firstRows(ids: readonly string[], perhapsTwice: ReadonlySet<string>, taken: Set<string>): number[] {
  const rows: number[] = [];
  for (const [row, id] of ids.entries()) {
    if (taken.has(id)) continue;
    if (perhapsTwice.has(id)) taken.add(id);
    rows.push(row);
  }
  return rows;
}

/** Files that are to be there, by the seal, or while a run goes on by its writers; null: nothing is known. */
function digestsOf(dir: string, seal: Seal | null): Digests | null {
  return seal?.files === undefined ? notedFiles(dir) : new Map(Object.entries(seal.files));
}

/**
 * What is wrong with a file of a run that is no part; null: it is as it was written, or nothing is known, or there is none
 * and none is to be.
 */
export function fileProblem(file: string): string | null {
  const dir = dirname(file);
  const seal = readSeal(manifestFile(dir));
  const digest = digestsOf(dir, seal)?.get(basename(file));
  if (digest !== undefined) return digestProblem(file, digest);
  if (seal?.files === undefined || !existsSync(file)) return null;
  return `${file}: not a file of this run, by the seal in its run.json; move it away`;
}

/** What is wrong with a file whose digest is known; null: nothing. */
export function digestProblem(file: string, digest: string): string | null {
  try {
    return sha256(readWithin(file, MOST_PART_BYTES)) === digest ? null : changed(file);
  } catch (error) {
    return `${file}: lost (${messageOf(error)}); restore it`;
  }
}

function checkManifest(dir: string, seal: FoundSeal, problem: OnProblem): void {
  if (seal.problem !== null) problem(seal.problem);
  for (const lost of seal.damage ?? []) problem(lost);
  if (seal.files === undefined) return;
  const present = new Set(partFiles(dir).map(partName));
  for (const name of Object.keys(seal.files))
    if (name.startsWith('requests/') && !present.has(name)) problem(`${join(dir, name)}: lost; restore it`);
  const health = fileProblem(clientFile(dir));
  if (health !== null) problem(health);
}

function checkCount(dir: string, { status, damage, workload }: Seal, found: number, problem: OnProblem): void {
  // Of a program's own source that was killed nobody knows what was not sent.
  if (status === 'running' || (status !== 'complete' && workload.path === '') || found === workload.requests) return;
  if (damage === undefined || damage.length === 0)
    problem(`${requestsDirectory(dir)}: ${found} records, where ${workload.requests} requests were planned`);
}

/** Adds records, in parts of their own, to a run that no process writes to any more. */
export async function appendRecords(dir: string, batches: AsyncIterable<RecordBatch>): Promise<void> {
  const writer = new RecordWriter(dir, { worker: 0, journal: false });
  for await (const batch of batches) writer.finished(batch);
  writer.close();
}

/** Paths of the parts of a run, in order of their names. */
export function partFiles(dir: string): string[] {
  let names: string[];
  try {
    names = readdirSync(requestsDirectory(dir));
  } catch (error) {
    throw new UserError(`${dir}: not a run directory: its records cannot be listed (${messageOf(error)})`, {
      cause: error,
    });
  }
  return names
    .filter((name) => /^part-.*\.parquet$/.test(name))
    .sort()
    .map((name) => join(requestsDirectory(dir), name));
}

/** The name of a part among the digests. */
export function partName(file: string): string {
  return `requests/${basename(file)}`;
}

/** Reads one part by `decode`, or says what is wrong with it. `digest`: undefined where none is known. */
export async function readPart<T>(
  file: string,
  digest: string | undefined,
  decode: (bytes: Uint8Array) => Promise<T>,
): Promise<T | string> {
  try {
    const bytes = readWithin(file, MOST_PART_BYTES);
    if (digest !== undefined && sha256(bytes) !== digest) return changed(file);
    const decoded = await decode(bytes);
    release(bytes);
    return decoded;
  } catch (error) {
    return `${file}: damaged, or not a part of a run (${messageOf(error)}); restore it, or move it out of requests/ to do without its records`;
  }
}

function changed(file: string): string {
  return `${file}: damaged: its bytes are not those that were written; what it holds is left out; restore it`;
}
