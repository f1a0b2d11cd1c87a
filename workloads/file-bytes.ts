import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, UserError } from '../src/core/errors.ts';
import { readWithin } from '../src/core/read-within.ts';

/**
 * So short that V8 keeps the text of a piece, with the rest of the one before it, among the small objects, which go soon
 * after they are used: from 128 KiB on they are large ones, and a long file held 70 MiB of them.
 */
const CHUNK_BYTES = 2 ** 16;

/**
 * A file's bytes in chunks, unpacked where its first bytes say gzip; the file is opened once. `hash` is given the bytes
 * as they are on the disk. Throws a UserError for a file that cannot be read, and for gzip that is damaged.
 */
export async function* fileBytes(path: string, hash: FileHash | null = null): AsyncGenerator<Buffer> {
  const chunks = rawChunks(path, hash);
  const first = await chunks.next();
  if (first.done === true) return;
  const all = withFirst(first.value, chunks);
  if (!isGzip(first.value)) {
    yield* all;
    return;
  }
  // Not `pipe`: an error of the file has to reach this loop, and a loop that is left early has to close the file.
  const unpacked: AsyncIterable<Buffer> = pipeline(all, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined);
  try {
    yield* unpacked;
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

/** The whole of a file that is held in memory. Throws a UserError for one that is none, or of more than `maxBytes`. */
export function wholeFile(path: string, maxBytes: number): Buffer {
  try {
    return readWithin(path, maxBytes);
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

/** SHA-256 of a file's bytes, computed while they are read for other purposes. */
export class FileHash {
  readonly #path: string;
  readonly #hash = createHash('sha256');
  #hashedBytes = 0;
  #hex: Promise<string> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** A chunk that a reader has read at `offset`. Every reader starts at 0; bytes that an earlier one read are skipped. */
  add(chunk: Buffer, offset: number): void {
    const known = this.#hashedBytes - offset;
    if (known >= chunk.length) return;
    this.#hash.update(chunk.subarray(known));
    this.#hashedBytes = offset + chunk.length;
  }

  /** Reads the bytes that no reader has read: those after an early end of all of them. */
  hex(): Promise<string> {
    this.#hex ??= this.#finish();
    return this.#hex;
  }

  async #finish(): Promise<string> {
    const { size } = await stat(this.#path).catch((thrown: unknown) => {
      throw unreadable(this.#path, thrown);
    });
    if (this.#hashedBytes < size) for await (const chunk of rawChunks(this.#path, this, this.#hashedBytes)) void chunk;
    // A copy: readers that come later go on adding to the hash itself.
    return this.#hash.copy().digest('hex');
  }
}

async function* rawChunks(path: string, hash: FileHash | null, start = 0): AsyncGenerator<Buffer> {
  let offset = start;
  try {
    const found = await stat(path);
    // A pipe would be waited for, and a device has no end.
    if (!found.isFile() && !found.isDirectory())
      throw new UserError(`${path}: is a pipe or device, expected a file: save it to one first`);
    const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES, start });
    for await (const chunk of chunks) {
      hash?.add(chunk, offset);
      offset += chunk.length;
      yield chunk;
    }
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

/** Closes the file also where the reader stops at the first chunk. */
export async function* withFirst(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** What made a file unreadable, as a UserError; anything but damage and the system's refusal is a fault of ours. */
export function unreadable(path: string, thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  const cause = { cause: thrown };
  if (code === 'Z_BUF_ERROR')
    return new UserError(
      `${path}: gzip_truncated: the compressed file ends too early; copy or download it again`,
      cause,
    );
  if (code === 'Z_DATA_ERROR')
    return new UserError(
      `${path}: gzip_damaged: the compressed file is not sound (${messageOf(thrown)}); copy or download it again`,
      cause,
    );
  if (typeof code === 'string')
    return new UserError(`${path}: cannot be read: ${messageOf(thrown)}; give a file that can`, cause);
  return thrown;
}
