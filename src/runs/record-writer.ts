import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { collectGarbage } from '../core/collect-garbage.ts';
import type { RecordBatch, RequestRecord } from '../core/record.ts';
import { Journal } from './journal.ts';
import { encodeRecords } from './parquet.ts';
import { noteFile } from './seal.ts';
import { journalFile, partFile, requestsDirectory, UNFINISHED_SUFFIX } from './run-directory.ts';

/** A part is written when it holds so many token times or so many records. */
const PART = { tokens: 100_000, records: 4096 };
/**
 * Where requests are timed: what has ended is in the journal, and most parts are written behind the replay. Writing one
 * of 100,000 tokens takes some 50 ms of a core, in which requests leave milliseconds late on a machine of two.
 */
export const TIMED_PART = { tokens: 500_000, records: 16_384 };
/** Parts that are written, or read, between two collections of what they left. */
export const PARTS_A_COLLECTION = 8;

export interface WriterOptions {
  /** Which shard's files these are. */
  readonly worker: number;
  /** Whether to keep a journal against a kill; a virtual run can be repeated and needs none. */
  readonly journal: boolean;
}

/**
 * Writes records to a run directory, blocking: to be used in a thread of its own while requests are timed.
 *
 * Part n and journal segment n cover the same records. When the part is in place its segment goes, after the open
 * requests have been carried into the next segment, so that at every moment each record is in at least one file.
 */
export class RecordWriter {
  readonly #dir: string;
  readonly #options: WriterOptions;
  /** Sent, not yet finished. */
  readonly #open = new Map<string, RequestRecord>();
  /** Finished, not yet in a part. */
  #collected: RequestRecord[] = [];
  #collectedTokens = 0;
  #number: number;
  #journal: Journal | null = null;

  constructor(dir: string, options: WriterOptions) {
    this.#dir = dir;
    this.#options = options;
    this.#number = firstFreeNumber(dir, options.worker);
    this.#openSegment();
  }

  sent(batch: RecordBatch): void {
    this.#journal?.append({ kind: 'sent', records: batch });
    for (const record of batch) this.#open.set(record.request_id, record);
  }

  finished(batch: RecordBatch): void {
    let from = 0;
    while (from < batch.length) {
      // Cut where the part is full: an entry must not outlast the segment that it is in.
      const to = this.#collect(batch, from);
      this.#journal?.append({ kind: 'finished', records: batch.slice(from, to) });
      from = to;
      if (this.#isFull()) this.#writePart();
    }
  }

  /** Writes the rest; requests that never finished are kept as `sent` gave them. */
  close(): void {
    this.finished([...this.#open.values()]);
    if (this.#collected.length > 0) this.#writePart();
    this.#journal?.close();
    rmSync(journalFile(this.#dir, this.#options.worker, this.#number), { force: true });
  }

  #collect(batch: RecordBatch, from: number): number {
    let to = from;
    for (; to < batch.length && !this.#isFull(); to++) {
      const record = batch[to];
      if (record === undefined) break;
      this.#open.delete(record.request_id);
      this.#collected.push(record);
      this.#collectedTokens += record.token_times_us.length;
    }
    return to;
  }

  #isFull(): boolean {
    const { tokens, records } = this.#options.journal ? TIMED_PART : PART;
    return this.#collectedTokens >= tokens || this.#collected.length >= records;
  }

  /** The order of these steps is what makes a kill between any two of them harmless. */
  #writePart(): void {
    const part = partFile(this.#dir, this.#options.worker, this.#number);
    const segment = journalFile(this.#dir, this.#options.worker, this.#number);
    const bytes = encodeRecords(this.#collected);
    writeFileSync(part + UNFINISHED_SUFFIX, bytes);
    this.#number++;
    this.#journal?.close();
    this.#openSegment();
    renameSync(part + UNFINISHED_SUFFIX, part);
    noteFile(this.#dir, `requests/${basename(part)}`, bytes);
    rmSync(segment, { force: true });
    this.#collected = [];
    this.#collectedTokens = 0;
    // Requests that are timed may wait for the memory that all threads share.
    if (!this.#options.journal && this.#number % PARTS_A_COLLECTION === 0) collectGarbage();
  }

  #openSegment(): void {
    if (!this.#options.journal) return;
    this.#journal = new Journal(journalFile(this.#dir, this.#options.worker, this.#number));
    if (this.#open.size > 0) this.#journal.append({ kind: 'sent', records: [...this.#open.values()] });
  }
}

/** Above every part and segment that this worker has left here before. */
function firstFreeNumber(dir: string, worker: number): number {
  let free = 0;
  for (const name of readdirSync(requestsDirectory(dir))) {
    const match = /^(?:part|open)-(\d+)-(\d+)\./.exec(name);
    if (match !== null && Number(match[1]) === worker) free = Math.max(free, Number(match[2]) + 1);
  }
  return free;
}
