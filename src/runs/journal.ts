import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import type { RecordBatch } from '../core/record.ts';

/** Length and CRC-32. */
const HEAD_BYTES = 8;

/** Requests as they were sent (as the records they would be if cut now), or as they ended. */
export interface JournalEntry {
  readonly kind: 'sent' | 'finished';
  readonly records: RecordBatch;
}

/**
 * One append-only segment:
 *
 *     | length u32 | crc32 u32 | payload: v8.serialize of a JournalEntry | length ...     little-endian
 *
 * Each entry is in the file when `append` returns, so it outlives the process; it is not synced to the device.
 */
export class Journal {
  readonly #descriptor: number;

  constructor(file: string) {
    this.#descriptor = openSync(file, 'wx');
  }

  append(entry: JournalEntry): void {
    const payload = serialize(entry);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt32LE(crc32(payload), 4);
    appendFileSync(this.#descriptor, Buffer.concat([head, payload]));
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The entries of a segment up to the first that is not whole: that one was being written when the process died. */
export function* readJournal(file: string): Generator<JournalEntry> {
  const bytes = readFileSync(file);
  let offset = 0;
  while (offset + HEAD_BYTES <= bytes.length) {
    const start = offset + HEAD_BYTES;
    const end = start + bytes.readUInt32LE(offset);
    // No entry is empty, but the CRC-32 of nothing is 0: a tail of zeros would pass for entries.
    if (end === start || end > bytes.length) return;
    const payload = bytes.subarray(start, end);
    if (crc32(payload) !== bytes.readUInt32LE(offset + 4)) return;
    const entry: JournalEntry = deserialize(payload);
    yield entry;
    offset = end;
  }
}
