import { UserError } from '../src/core/errors.ts';
import { fileBytes, type FileHash } from './file-bytes.ts';

/**
 * The longest row of a text file in bytes, its line end and blank lines before it included: twice the row of a prompt of
 * 10,000,000 tokens in blocks of 16. Readers hold a row at a time, so this bounds what they hold, packed files too.
 */
export const MOST_ROW_BYTES = 8 * 2 ** 20;

const LINE_FEED = 10;

/**
 * A file's text in chunks that are cut anywhere. Throws a UserError that says where for bytes that are not UTF-8 and for
 * a row of more than `mostRowBytes`.
 */
export async function* fileText(path: string, hash: FileHash, mostRowBytes = MOST_ROW_BYTES): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let offset = 0;
  let rowBytes = 0;
  const decode = (chunk?: Buffer): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (thrown) {
      throw new UserError(`${path}: bad_utf8: the bytes near offset ${offset} are not UTF-8 text`, { cause: thrown });
    }
  };
  for await (const chunk of fileBytes(path, hash)) {
    const text = decode(chunk);
    const rowEnd = text.trim() === '' ? -1 : chunk.indexOf(LINE_FEED);
    if (rowBytes + (rowEnd === -1 ? chunk.length : rowEnd) > mostRowBytes)
      throw await rowTooLong(path, offset - rowBytes, mostRowBytes);
    rowBytes = rowEnd === -1 ? rowBytes + chunk.length : chunk.length - 1 - chunk.lastIndexOf(LINE_FEED);
    yield text;
    offset += chunk.length;
  }
  yield decode();
}

/** Reads the file again to count its lines, which is not worth the time of every file that is sound. */
async function rowTooLong(path: string, rowStart: number, mostRowBytes: number): Promise<UserError> {
  let line = 1;
  let offset = 0;
  for await (const chunk of fileBytes(path)) {
    const end = Math.min(chunk.length, rowStart - offset);
    for (let at = chunk.indexOf(LINE_FEED); at !== -1 && at < end; at = chunk.indexOf(LINE_FEED, at + 1)) line++;
    offset += chunk.length;
    if (offset >= rowStart) break;
  }
  return new UserError(
    `${path}:${line}: row_too_long: no row ends in the ${mostRowBytes / 2 ** 20} MiB from this line on, expected a row a line; leave texts out of it, their lengths are enough`,
  );
}
