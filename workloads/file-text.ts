import { UserError } from '../src/core/errors.ts';
import { binaryKind } from './binary-kind.ts';
import { documentForm, documentLines } from './containers/json-documents.ts';
import { isParquet, parquetLines } from './containers/parquet-lines.ts';
import { fileBytes, withFirst, type FileHash } from './file-bytes.ts';

/**
 * The longest row of a text file in bytes, its line end and blank lines before it included: twice the row of a prompt of
 * 10,000,000 tokens in blocks of 16. Readers hold a row at a time, so this bounds what they hold, packed files too.
 */
export const MOST_ROW_BYTES = 8 * 2 ** 20;

const LINE_FEED = 10;

/**
 * A file as text in chunks that are cut anywhere, whatever it is kept in: gzip is unpacked, and each row of Parquet, each
 * element of a JSON array and each JSON object that goes over many lines is one line. Throws a UserError that says where
 * for what is no text, bytes that are not UTF-8 and a row of more than `mostRowBytes`.
 */
export async function* fileText(
  path: string,
  hash: FileHash,
  mostRowBytes: number = MOST_ROW_BYTES,
): AsyncGenerator<string> {
  const bytes = fileBytes(path, hash);
  const first = await bytes.next();
  if (first.done === true) return;
  if (isParquet(first.value)) {
    await bytes.return(undefined);
    yield* parquetLines(path);
    return;
  }
  const all = withFirst(first.value, bytes);
  const binary = binaryKind(first.value);
  if (binary !== null) {
    await bytes.return(undefined);
    throw new UserError(`${path}: ${binary}`);
  }
  const form = documentForm(first.value.toString());
  if (form === null) yield* decoded(path, withinBound(path, all, mostRowBytes));
  else yield* documentLines(decoded(path, all), form, path, mostRowBytes);
}

/** Throws a UserError for bytes that are not UTF-8. */
async function* decoded(path: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let offset = 0;
  const decode = (chunk?: Buffer): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (thrown) {
      throw new UserError(`${path}: bad_utf8: the bytes near offset ${offset} are not UTF-8 text`, { cause: thrown });
    }
  };
  for await (const chunk of chunks) {
    yield decode(chunk);
    offset += chunk.length;
  }
  yield decode();
}

/** The same chunks. Throws a UserError for a row of more than `mostBytes`. */
async function* withinBound(path: string, chunks: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Buffer> {
  let offset = 0;
  let rowBytes = 0;
  for await (const chunk of chunks) {
    const rowEnd = isBlank(chunk) ? -1 : chunk.indexOf(LINE_FEED);
    if (rowBytes + (rowEnd === -1 ? chunk.length : rowEnd) > mostBytes)
      throw await rowTooLong(path, offset - rowBytes, mostBytes);
    rowBytes = rowEnd === -1 ? rowBytes + chunk.length : chunk.length - 1 - chunk.lastIndexOf(LINE_FEED);
    yield chunk;
    offset += chunk.length;
  }
}

/** Space and control characters alone. */
function isBlank(chunk: Buffer): boolean {
  return chunk.every((byte) => byte <= 32);
}

/** Reads the file again to count its lines, which is not worth the time of every file that is sound. */
async function rowTooLong(path: string, rowStart: number, mostBytes: number): Promise<UserError> {
  let line = 1;
  let offset = 0;
  for await (const chunk of fileBytes(path)) {
    const end = Math.min(chunk.length, rowStart - offset);
    for (let at = chunk.indexOf(LINE_FEED); at !== -1 && at < end; at = chunk.indexOf(LINE_FEED, at + 1)) line++;
    offset += chunk.length;
    if (offset >= rowStart) break;
  }
  return new UserError(
    `${path}:${line}: row_too_long: no row ends in the ${mostBytes / 2 ** 20} MiB from this line on, expected a row a line; leave texts out of it, their lengths are enough`,
  );
}
