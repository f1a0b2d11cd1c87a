import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, UserError } from '../core/errors.ts';
import type { RecordBatch } from '../core/record.ts';
import { decodeRecords } from './parquet.ts';
import { requestsDirectory } from './run-directory.ts';
import { RecordWriter } from './record-writer.ts';

/** The records of a run, one batch a part, parts in order of their names. A UserError names a part that is damaged. */
export async function* readRecords(dir: string): AsyncGenerator<RecordBatch> {
  for (const file of partFiles(dir)) yield await readPart(file, decodeRecords);
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

/** Reads one part by `decode`; a UserError names the file where that fails. */
export async function readPart<T>(file: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await decode(await readFile(file));
  } catch (error) {
    throw new UserError(
      `${file}: damaged, or not a part of a run (${messageOf(error)}); restore it, or move it out of requests/ to do without its records`,
      { cause: error },
    );
  }
}
