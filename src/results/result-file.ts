import { constants } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { fileBytes } from '../../workloads/file-bytes.ts';
import { messageOf, UserError } from '../core/errors.ts';

/** A line that is not empty, and its number, from 1. */
export interface Line {
  readonly text: string;
  readonly number: number;
}

/** The lines of a file without the empty ones, one at a time. Throws a UserError where the file cannot be read. */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  let parts: string[] = [];
  let [length, number] = [0, 1];
  const end = (): Line => {
    const text = parts.join('');
    [parts, length] = [[], 0];
    return { text, number: number++ };
  };
  for await (const chunk of textChunks(path)) {
    const pieces = chunk.split('\n');
    for (const [i, piece] of pieces.entries()) {
      length += piece.length;
      if (length > constants.MAX_STRING_LENGTH) throw tooLong(path, `line ${number}`);
      parts.push(piece);
      if (i === pieces.length - 1) break;
      const line = end();
      if (line.text.trim() !== '') yield line;
    }
  }
  const last = end();
  if (last.text.trim() !== '') yield last;
}

/** The whole text of a file. Throws a UserError where it cannot be read, or is longer than a string can be. */
export async function textOf(path: string): Promise<string> {
  const parts: string[] = [];
  let length = 0;
  for await (const chunk of textChunks(path)) {
    length += chunk.length;
    if (length > constants.MAX_STRING_LENGTH) throw tooLong(path, 'the file');
    parts.push(chunk);
  }
  return parts.join('');
}

/** The text of a file in pieces, unpacked where it is gzip, without a byte order mark. */
async function* textChunks(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let isFirst = true;
  try {
    for await (const bytes of fileBytes(path)) {
      if (isFirst && bytes.includes(0))
        throw new UserError(
          `${path}: no text: there are zeros among its first bytes; give the JSON that the tool wrote, unpacked, in UTF-8`,
        );
      isFirst = false;
      yield decoder.decode(bytes, { stream: true });
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unreadable(path, error);
  }
  yield decoder.decode();
}

/** Of the bytes on the disk, packed or not. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (error) {
    throw unreadable(path, error);
  }
  return hash.digest('hex');
}

function tooLong(path: string, what: string): UserError {
  const most = Math.round(constants.MAX_STRING_LENGTH / 2 ** 20);
  return new UserError(
    `${path}: ${what} is one JSON value of more than ${most} MiB, which is the longest text that can be parsed; drop the texts of the answers (jq 'del(.generated_texts)'), or benchmark in shorter runs`,
  );
}

function unreadable(path: string, error: unknown): UserError {
  return new UserError(`${path}: cannot be read: ${messageOf(error)}; give a file that can`, { cause: error });
}
