import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { messageOf, UserError } from './errors.ts';

const CHUNK_BYTES = 2 ** 16;

/** Of a file that Reprise or a user writes by hand, or that holds the figures of a run. */
export const MOST_JSON_BYTES = 64 * 2 ** 20;
/** Of a part of a run's records, its journal, or its pages: many times what the writer makes of one. */
export const MOST_PART_BYTES = 2 ** 30;

/**
 * The bytes of a file that is held in memory whole. Throws a UserError, before it reads, for what is no file (a pipe would
 * be waited for, a device has no end) and for one of more than `mostBytes`; what the system refuses is thrown as it is. No
 * other buffer shares their memory.
 */
export function readWithin(file: string, mostBytes: number): Buffer<ArrayBuffer> {
  // Non-blocking: to open a pipe that no one writes to would wait for a writer.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(handle);
    if (!found.isFile())
      throw new UserError(`${file}: is a ${found.isDirectory() ? 'directory' : 'pipe or device'}, expected a file`);
    if (found.size > mostBytes) throw tooLarge(file, mostBytes);
    const chunks: Buffer<ArrayBuffer>[] = [];
    // The size is only what was said: a file may grow, and those of /proc have none.
    for (let length = 0; ;) {
      const chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, found.size + 1 - length));
      const read = readSync(handle, chunk, 0, chunk.length, null);
      if (read === 0) return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : joined(chunks, length);
      chunks.push(chunk.subarray(0, read));
      length += read;
      if (length > mostBytes) throw tooLarge(file, mostBytes);
    }
  } finally {
    closeSync(handle);
  }
}

function joined(chunks: readonly Buffer[], length: number): Buffer<ArrayBuffer> {
  const whole = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(whole, at);
  return whole;
}

/** The same as text. */
export function readTextWithin(file: string, mostBytes: number): string {
  return readWithin(file, mostBytes).toString();
}

function tooLarge(file: string, mostBytes: number): UserError {
  return new UserError(
    `${file}: is larger than ${mostBytes / 2 ** 20} MiB, which no such file is; is it the right one?`,
  );
}

/**
 * What a path leads to; undefined: nothing. Throws a UserError for a path that cannot be, such as a loop of links or a name
 * that is too long, and for one that may not be looked at.
 */
export function foundAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (thrown) {
    throw new UserError(`${path}: cannot be looked at: ${messageOf(thrown)}; give another path`, { cause: thrown });
  }
}
