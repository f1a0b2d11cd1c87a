import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import { messageOf, UserError } from '../core/errors.ts';
import type { Scrape, ServerSample } from '../schema/server-metrics.ts';
import { fileProblem } from './records.ts';
import { noteFile, refuse, type OnProblem } from './seal.ts';
import { serverFile, UNFINISHED_SUFFIX } from './run-directory.ts';

/** Rows that are kept before they are written: some minutes of them. */
const GROUP_ROWS = 50_000;

/** Name of the row of each scrape of a page, as in Prometheus: 1 if it was read, 0 if not. */
const UP = 'up';

/**
 * Writes `server.parquet`, a row for each value and one for each scrape of a page, blocking: to be used in a thread of
 * its own. Under another name until it is complete; without any value there is no file.
 */
export class ServerFile {
  readonly #dir: string;
  readonly #file: string;
  readonly #writer;
  readonly #rows = {
    timeUs: Array<bigint>(),
    name: Array<string>(),
    labels: Array<string>(),
    value: Array<number>(),
  };
  #values = 0;

  constructor(dir: string) {
    this.#dir = dir;
    this.#file = serverFile(dir);
    this.#writer = new ParquetWriter({
      writer: fileWriter(this.#file + UNFINISHED_SUFFIX),
      createdBy: 'reprise',
      schema: [
        { name: 'root', num_children: 4 },
        { name: 'time_us', type: 'INT64', repetition_type: 'REQUIRED' },
        { name: 'name', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
        { name: 'labels', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
        { name: 'value', type: 'DOUBLE', repetition_type: 'REQUIRED' },
      ],
    });
  }

  /**
   * The scrape of one page; `samples` is null if it failed, `labels` (JSON) are those of its own row. Scrapes of several
   * pages at one time are one after another, and are read back as one.
   */
  add(timeUs: number, samples: readonly ServerSample[] | null, labels = '{}'): void {
    const time = BigInt(Math.round(timeUs));
    this.#row(time, { name: UP, labels, value: samples === null ? 0 : 1 });
    for (const sample of samples ?? []) this.#row(time, sample);
    this.#values += samples?.length ?? 0;
    if (this.#rows.timeUs.length >= GROUP_ROWS) this.#flush();
  }

  /** Whether there is a file. */
  close(): boolean {
    this.#flush();
    // With a writer of files nothing is left to wait for.
    void this.#writer.finish();
    if (this.#values > 0) {
      renameSync(this.#file + UNFINISHED_SUFFIX, this.#file);
      noteFile(this.#dir, basename(this.#file), readFileSync(this.#file));
    } else rmSync(this.#file + UNFINISHED_SUFFIX);
    return this.#values > 0;
  }

  #row(time: bigint, { name, labels, value }: ServerSample): void {
    this.#rows.timeUs.push(time);
    this.#rows.name.push(name);
    this.#rows.labels.push(labels);
    this.#rows.value.push(value);
  }

  #flush(): void {
    const { timeUs, name, labels, value } = this.#rows;
    void this.#writer.write({
      columnData: [
        { name: 'time_us', data: timeUs.splice(0) },
        { name: 'name', data: name.splice(0) },
        { name: 'labels', data: labels.splice(0) },
        { name: 'value', data: value.splice(0) },
      ],
      rowGroupSize: GROUP_ROWS,
    });
  }
}

/** The scrapes of a run in order of time; null if it has none, or after a `problem` with its file. */
export function readScrapes(dir: string, problem: OnProblem = refuse): AsyncIterable<Scrape> | null {
  const file = serverFile(dir);
  const wrong = fileProblem(file);
  if (wrong !== null) {
    problem(wrong);
    return null;
  }
  return existsSync(file) ? scrapesOf(file) : null;
}

async function* scrapesOf(file: string): AsyncGenerator<Scrape> {
  let open: { timeUs: number; samples: ServerSample[] | null } | undefined;
  try {
    const buffer = await asyncBufferFromFile(file);
    const metadata = await parquetMetadataAsync(buffer);
    let rowStart = 0;
    for (const { num_rows } of metadata.row_groups) {
      const rowEnd = rowStart + Number(num_rows);
      const rows: unknown[] = await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd });
      for (const row of rows) {
        if (!isRow(row)) throw new Error(`a row is ${String(row)}`);
        const { time_us, name, labels, value } = row;
        if (name === UP) {
          const timeUs = Number(time_us);
          const isRead = value === 1;
          // Of another page at the same time.
          if (open?.timeUs === timeUs) open.samples = isRead ? open.samples : null;
          else {
            if (open !== undefined) yield open;
            open = { timeUs, samples: isRead ? [] : null };
          }
        } else open?.samples?.push({ name, labels, value });
      }
      rowStart = rowEnd;
    }
  } catch (thrown) {
    throw new UserError(
      `${file}: damaged, or not the server's metrics (${messageOf(thrown)}); restore it, or move it away to do without`,
      { cause: thrown },
    );
  }
  if (open !== undefined) yield open;
}

interface Row extends ServerSample {
  readonly time_us: bigint;
}

/** By hand, because a schema takes longer than reading, and takes no NaN. */
function isRow(row: unknown): row is Row {
  return (
    typeof row === 'object' &&
    row !== null &&
    'time_us' in row &&
    typeof row.time_us === 'bigint' &&
    'name' in row &&
    typeof row.name === 'string' &&
    'labels' in row &&
    typeof row.labels === 'string' &&
    'value' in row &&
    typeof row.value === 'number'
  );
}
