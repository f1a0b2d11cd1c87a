import { appendFileSync, closeSync, fstatSync, openSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { UserError } from '../core/errors.ts';
import { MOST_PART_BYTES, readWithin } from '../core/read-within.ts';
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
  readonly #file: string;
  readonly #descriptor: number;
  /** Some file systems count no names of a file. */
  readonly #hasNames: boolean;

  constructor(file: string) {
    this.#file = file;
    this.#descriptor = openSync(file, 'wx');
    this.#hasNames = fstatSync(this.#descriptor).nlink > 0;
  }

  /** Throws a UserError where the file has been removed: what is written to it then is lost. */
  append(entry: JournalEntry): void {
    const payload = serialize(entry);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt32LE(crc32(payload), 4);
    appendFileSync(this.#descriptor, Buffer.concat([head, payload]));
    if (this.#hasNames && fstatSync(this.#descriptor).nlink === 0)
      throw new UserError(`${this.#file}: was removed while the run went on; let the folder of a run be until it ends`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Bytes of a segment that are no entry: from, up to. */
export type Damage = (from: number, to: number) => void;

/**
 * The entries of a segment. Behind bytes that are no entry it goes on with the next whole one, and says which bytes those
 * were; but the last entry may be cut off: that one was being written when the process died.
 */
export function* readJournal(file: string, damaged: Damage): Generator<JournalEntry> {
  const bytes = readWithin(file, MOST_PART_BYTES);
  let offset = 0;
  while (offset < bytes.length) {
    let end = entryEnd(bytes, offset);
    if (end === null) {
      const next = nextEntry(bytes, offset + 1);
      // Where only the length is wrong, what lies between is the payload.
      if (isPayload(bytes, offset, next)) end = next;
      else {
        if (next < bytes.length || !isCutOff(bytes, offset)) damaged(offset, next);
        offset = next;
        continue;
      }
    }
    const entry: JournalEntry = deserialize(bytes.subarray(offset + HEAD_BYTES, end));
    yield entry;
    offset = end;
  }
}

/** Where the entry at `offset` ends; null: no whole entry begins there. */
function entryEnd(bytes: Buffer, offset: number): number | null {
  if (offset + HEAD_BYTES > bytes.length) return null;
  const end = offset + HEAD_BYTES + bytes.readUInt32LE(offset);
  return end <= bytes.length && isPayload(bytes, offset, end) ? end : null;
}

/** Whether the checksum in the head at `offset` is that of what lies between the head and `end`. */
function isPayload(bytes: Buffer, offset: number, end: number): boolean {
  const start = offset + HEAD_BYTES;
  // No entry is empty, but the CRC-32 of nothing is 0: a tail of zeros would pass for entries.
  return start < end && crc32(bytes.subarray(start, end)) === bytes.readUInt32LE(offset + 4);
}

/** Every payload begins so: what `v8.serialize` writes first. */
const PAYLOAD_START = serialize(null).subarray(0, 2);

/** Where the next whole entry begins, or the file ends. */
function nextEntry(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(PAYLOAD_START, from + HEAD_BYTES); at >= 0; at = bytes.indexOf(PAYLOAD_START, at + 1))
    if (entryEnd(bytes, at - HEAD_BYTES) !== null) return at - HEAD_BYTES;
  return bytes.length;
}

/** Whether an entry begins at `offset` whose length leads beyond the end. */
function isCutOff(bytes: Buffer, offset: number): boolean {
  const left = bytes.length - offset - HEAD_BYTES;
  return left < 0 || bytes.readUInt32LE(offset) > left;
}
