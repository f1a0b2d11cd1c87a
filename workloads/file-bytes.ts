import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, UserError } from '../src/core/errors.ts';

const CHUNK_BYTES = 2 ** 18;

/** A file's bytes in chunks, unpacked where its first bytes say gzip. Throws a UserError for gzip that is damaged. */
export async function* fileBytes(path: string): AsyncGenerator<Buffer> {
  if (!(await isGzip(path))) {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES });
    return;
  }
  // Not `pipe`: a fault of the file has to reach this loop, and a loop that is left early has to close the file.
  const unpacked: AsyncIterable<Buffer> = pipeline(
    createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    createGunzip({ chunkSize: CHUNK_BYTES }),
    () => undefined,
  );
  try {
    yield* unpacked;
  } catch (thrown) {
    throw gzipFault(path, thrown);
  }
}

/** The first bytes of a file, unpacked, `most` at most. */
export async function fileHead(path: string, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of fileBytes(path)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= most) break;
  }
  return Buffer.concat(chunks).subarray(0, most);
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function gzipFault(path: string, thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'Z_BUF_ERROR')
    return new UserError(`${path}: gzip_truncated: the compressed file ends too early; copy or download it again`, {
      cause: thrown,
    });
  if (code === 'Z_DATA_ERROR')
    return new UserError(
      `${path}: gzip_damaged: the compressed file is not sound (${messageOf(thrown)}); copy or download it again`,
      { cause: thrown },
    );
  return thrown;
}
