import { constants } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
    const text = parts.join('').replace(/^\uFEFF/, '');
    [parts, length] = [[], 0];
    return { text, number: number++ };
  };
  for await (const chunk of chunksOf(path)) {
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

async function* chunksOf(path: string): AsyncGenerator<string> {
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 20 })) yield String(chunk);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unreadable(path, error);
  }
}

/** The whole text of a file. Throws a UserError where it cannot be read, or is longer than a string can be. */
export async function textOf(path: string): Promise<string> {
  if (statSync(path).size > constants.MAX_STRING_LENGTH) throw tooLong(path, 'the file');
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    throw unreadable(path, error);
  }
}

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
