import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestRecord } from '../core/record.ts';
import { readJournal } from './journal.ts';
import { decodeIds } from './parquet.ts';
import { RecordWriter } from './record-writer.ts';
import { partFiles, readPart } from './records.ts';
import { requestsDirectory, serverFile, UNFINISHED_SUFFIX } from './run-directory.ts';

/** The requests of a run that have a record. */
export interface Recovered {
  /** Their ids. */
  readonly ended: ReadonlySet<string>;
  /** Number of those that only the journals held: the run had been killed. */
  readonly fromJournals: number;
}

/**
 * Mends a run that was killed: records that only its journals hold become one more part, requests in flight as `cut`;
 * then the journals go. On a run that ended well it changes nothing. To be used on a run that no process writes to any
 * more. Killed half-way it can be repeated: a journal goes only when its records are in a part.
 */
export async function recoverRun(dir: string): Promise<Recovered> {
  const ended = new Set<string>();
  for (const file of partFiles(dir)) for (const id of await readPart(file, decodeIds)) ended.add(id);

  const requests = requestsDirectory(dir);
  const names = readdirSync(requests).sort();
  const journals = names.filter((name) => /^open-.*\.journal$/.test(name)).map((name) => join(requests, name));
  const missing = missingRecords(journals, ended);

  const writer = new RecordWriter(dir, { worker: 0, journal: false });
  writer.finished(missing);
  writer.close();

  for (const file of journals) rmSync(file);
  for (const name of names) if (name.endsWith(UNFINISHED_SUFFIX)) rmSync(join(requests, name));
  rmSync(serverFile(dir) + UNFINISHED_SUFFIX, { force: true });
  for (const record of missing) ended.add(record.request_id);
  return { ended, fromJournals: missing.length };
}

/** Records that only the journals have, in the order of their first mention. */
function missingRecords(journals: readonly string[], inParts: ReadonlySet<string>): RequestRecord[] {
  const found = new Map<string, RequestRecord>();
  const finished = new Set<string>();
  for (const file of journals)
    for (const { kind, records } of readJournal(file))
      for (const record of records) {
        // A segment repeats the open requests of the one before, whose `finished` may already have been read.
        if (inParts.has(record.request_id) || (kind === 'sent' && finished.has(record.request_id))) continue;
        found.set(record.request_id, record);
        if (kind === 'finished') finished.add(record.request_id);
      }
  return [...found.values()];
}
