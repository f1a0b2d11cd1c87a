import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MOST_PART_BYTES, readWithin } from '../core/read-within.ts';
import type { RequestRecord } from '../core/record.ts';
import { readJournal } from './journal.ts';
import { decodeIds } from './part.ts';
import { RecordWriter } from './record-writer.ts';
import { digestProblem, partFiles, partName, readPart } from './records.ts';
import { clientFile, requestsDirectory, serverFile, UNFINISHED_SUFFIX } from './run-directory.ts';
import { noteFile, notedFiles, type Digests } from './seal.ts';

/** Ends the name of a damaged file once what is whole in it has been read: evidence, and no part of the run. */
const DAMAGED_SUFFIX = '.damaged';

/** The requests of a run that have a record. */
export interface Recovered {
  /** Their ids. */
  readonly ended: ReadonlySet<string>;
  /** Number of those that only the journals held: the run had been killed. */
  readonly fromJournals: number;
  /** What is lost: sentences that name a file, and for a journal the bytes. */
  readonly damage: readonly string[];
}

/**
 * Mends a run that was killed: records that only its journals hold become one more part, requests in flight as `cut`;
 * then the journals go. On a run that ended well it changes nothing. To be used by the owner of the directory alone.
 * Killed half-way it can be repeated: a journal goes only when its records are in a part.
 */
export async function recoverRun(dir: string): Promise<Recovered> {
  const requests = requestsDirectory(dir);
  const names = readdirSync(requests).sort();
  const journals = names.filter((name) => /^open-.*\.journal$/.test(name)).map((name) => join(requests, name));
  const noted = notedFiles(dir);
  const damage = [
    ...names.filter((name) => name.endsWith(DAMAGED_SUFFIX)).map((name) => damagedBefore(join(requests, name))),
    ...lostFiles(dir, noted, journals),
    ...damagedFiles(dir, noted),
  ];

  const ended = new Set<string>();
  for (const file of partFiles(dir)) {
    const part = await readPart(file, noted?.get(partName(file)), decodeIds);
    if (typeof part === 'string') {
      damage.push(part, keepAside(file));
      continue;
    }
    for (const id of part.ids) ended.add(id);
    noteFound(dir, partName(file), noted);
  }
  for (const file of [clientFile(dir), serverFile(dir)]) if (existsSync(file)) noteFound(dir, basename(file), noted);

  const { missing, damaged } = missingRecords(journals, ended);
  const writer = new RecordWriter(dir, { worker: 0, journal: false });
  writer.finished(missing);
  writer.close();

  for (const file of journals) {
    const stretches = damaged.get(file);
    if (stretches === undefined) rmSync(file);
    else damage.push(`${file}: ${stretches.join(', ')} damaged; what they held is lost`, keepAside(file));
  }
  removeUnfinished(requests);
  removeUnfinished(dir);
  for (const record of missing) ended.add(record.request_id);
  return { ended, fromJournals: missing.length, damage };
}

/** A directory is none of ours. */
function removeUnfinished(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.name.endsWith(UNFINISHED_SUFFIX) && !entry.isDirectory()) rmSync(join(dir, entry.name));
}

function damagedBefore(file: string): string {
  return `${file}: a damaged file that was found before`;
}

/** Files that were in place and are gone, but for parts whose segment is still there. */
function lostFiles(dir: string, noted: Digests | null, journals: readonly string[]): string[] {
  const segments = new Set(journals.map((file) => /(\d+-\d+)\.journal$/.exec(file)?.[1]));
  return [...(noted?.keys() ?? [])]
    .filter((name) => !existsSync(join(dir, name)) && !existsSync(join(dir, name) + DAMAGED_SUFFIX))
    .filter((name) => !segments.has(/part-(\d+-\d+)\.parquet$/.exec(name)?.[1] ?? ''))
    .map((name) => `${join(dir, name)}: lost, with all that was in it`);
}

function damagedFiles(dir: string, noted: Digests | null): string[] {
  return [clientFile(dir), serverFile(dir)].flatMap((file) => {
    const digest = noted?.get(basename(file));
    const wrong = digest !== undefined && existsSync(file) ? digestProblem(file, digest) : null;
    return wrong === null ? [] : [wrong, keepAside(file)];
  });
}

/** A file that was not noted: its process was killed just before, or is of an earlier version. */
function noteFound(dir: string, name: string, noted: Digests | null): void {
  if (noted?.has(name) !== true) noteFile(dir, name, readWithin(join(dir, name), MOST_PART_BYTES));
}

function keepAside(file: string): string {
  renameSync(file, file + DAMAGED_SUFFIX);
  return `${file}${DAMAGED_SUFFIX}: the damaged file, kept`;
}

/** Records that only the journals have, in the order of their first mention; damaged bytes by file. */
function missingRecords(journals: readonly string[], inParts: ReadonlySet<string>) {
  const found = new Map<string, RequestRecord>();
  const finished = new Set<string>();
  const damaged = new Map<string, string[]>();
  for (const file of journals) {
    const note = (from: number, to: number): void => {
      damaged.set(file, [...(damaged.get(file) ?? []), `bytes ${from} to ${to}`]);
    };
    for (const { kind, records } of readJournal(file, note))
      for (const record of records) {
        // A segment repeats the open requests of the one before, whose `finished` may already have been read.
        if (inParts.has(record.request_id) || (kind === 'sent' && finished.has(record.request_id))) continue;
        found.set(record.request_id, record);
        if (kind === 'finished') finished.add(record.request_id);
      }
  }
  return { missing: [...found.values()], damaged };
}
