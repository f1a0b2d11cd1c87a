import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import { MOST_PART_BYTES, readWithin } from '../core/read-within.ts';
import type { RecordBatch, RequestRecord } from '../core/record.ts';
import { decodeDueKeys, decodeRecords, type DueKey } from './parquet.ts';
import { clientFile, manifestFile, requestsDirectory } from './run-directory.ts';
import { RecordWriter } from './record-writer.ts';
import {
  notedFiles,
  readSeal,
  refuse,
  sha256,
  type Digests,
  type FoundSeal,
  type OnProblem,
  type Seal,
} from './seal.ts';

/**
 * The records of a run, one batch a part, parts in order of their names, and only whole ones: the invariant of a run
 * directory is checked on the way. Its files are those that its seal names, with their digests; each request has one
 * record; of a run that has ended there are as many as planned.
 */
export function readRecords(dir: string, problem: OnProblem = refuse): AsyncGenerator<RecordBatch> {
  return readParts(dir, problem, decodeRecords);
}

/** The place of each record of `readRecords` by due time, and by id where two are due at once: as `RecordsDigest` has it. */
export async function dueRanks(dir: string): Promise<Uint32Array> {
  const keys: DueKey[] = [];
  for await (const batch of readParts(dir, () => undefined, decodeDueKeys)) for (const key of batch) keys.push(key);
  const order = Uint32Array.from(keys.keys()).sort((a, b) => byDue(keys[a], keys[b]));
  const ranks = new Uint32Array(keys.length);
  order.forEach((record, rank) => (ranks[record] = rank));
  return ranks;
}

function byDue(a: DueKey | undefined, b: DueKey | undefined): number {
  if (a === undefined || b === undefined) throw new Error('a record without a key');
  return a.due_us - b.due_us || (a.request_id < b.request_id ? -1 : a.request_id > b.request_id ? 1 : 0);
}

async function* readParts<T extends Pick<RequestRecord, 'request_id'>>(
  dir: string,
  problem: OnProblem,
  decode: (bytes: Uint8Array) => Promise<T[]>,
): AsyncGenerator<T[]> {
  const seal = readSeal(manifestFile(dir));
  if (seal !== null) checkManifest(dir, seal, problem);
  const digests = digestsOf(dir, seal);
  const ids = new Set<string>();
  let doubles = 0;
  const first = ({ request_id }: T): boolean => {
    const isFirst = !ids.has(request_id);
    ids.add(request_id);
    if (!isFirst) doubles++;
    return isFirst;
  };
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
    const before = doubles;
    const records = part.filter(first);
    if (doubles > before)
      problem(
        `${file}: ${doubles - before} of its requests have a record in a part before it, which counts; remove the copy`,
      );
    yield records;
  }
  if (seal !== null) checkCount(dir, seal, ids.size, problem);
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
    return await decode(bytes);
  } catch (error) {
    return `${file}: damaged, or not a part of a run (${messageOf(error)}); restore it, or move it out of requests/ to do without its records`;
  }
}

function changed(file: string): string {
  return `${file}: damaged: its bytes are not those that were written; what it holds is left out; restore it`;
}
