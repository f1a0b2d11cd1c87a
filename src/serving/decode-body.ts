import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { messageOf } from '../core/errors.ts';
import { MAX_BYTES } from './read-body.ts';

type Decoder = (bytes: Buffer) => Buffer;

/** A small body may be large once it is decoded. */
const BOUND = { maxOutputLength: MAX_BYTES } as const;

const DECODERS: Readonly<Record<string, Decoder>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes, BOUND),
  'x-gzip': (bytes) => gunzipSync(bytes, BOUND),
  deflate: (bytes) => inflated(bytes),
  br: (bytes) => brotliDecompressSync(bytes, BOUND),
  zstd: (bytes) => zstdDecompressSync(bytes, BOUND),
};

/** Asked of every page: without it a server may choose. Some compress all the same, or what is before them does. */
export const PLAIN = { 'accept-encoding': 'identity' } as const;

/** The bytes of a page by its `content-encoding`, '' without one. Throws an Error that says why it cannot be read. */
export function decodedBody(bytes: Buffer, encoding: string): Buffer {
  // The last coding that was applied stands last.
  const codings = encoding.split(',').map((each) => each.trim().toLowerCase());
  try {
    return codings.reduceRight(decodedBy, bytes);
  } catch (thrown) {
    if (isPlain(bytes)) return bytes;
    const why = isTooLong(thrown) ? 'over 16 MiB once decoded' : messageOf(thrown);
    throw new Error(
      `compressed (content-encoding ${encoding}), though asked for identity, and cannot be decoded: ${why}`,
      { cause: thrown },
    );
  }
}

function decodedBy(bytes: Buffer, coding: string): Buffer {
  if (coding === '' || bytes.length === 0) return bytes;
  const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
  if (decode === undefined) throw new Error('not known here');
  return decode(bytes);
}

/** Whether it is text as it is: some servers name a coding that they did not apply, or a charset as one. */
function isPlain(bytes: Buffer): boolean {
  const head = bytes.subarray(0, LOOKED_AT);
  return head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
const LOOKED_AT = 256;

/** By the standard in the frame of zlib; some send it without. */
function inflated(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes, BOUND);
  } catch (thrown) {
    if (isTooLong(thrown)) throw thrown;
    return inflateRawSync(bytes, BOUND);
  }
}

function isTooLong(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE';
}
