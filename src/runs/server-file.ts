import { readFileSync, renameSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileWriter, ParquetWriter } from 'hyparquet-writer';
import type { ServerSample } from '../schema/server-metrics.ts';
import { noteFile } from './seal.ts';
import { serverFile, UNFINISHED_SUFFIX } from './run-directory.ts';

/** Rows that are kept before they are written: some minutes of them. */
const GROUP_ROWS = 50_000;

/** Name of the row of each scrape of a page, as in Prometheus: 1 if it was read, 0 if not. */
export const UP = 'up';

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
