import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';

/** One trace format: how to know it by its first bytes, and how to read it. */
export interface Format {
  readonly name: string;
  /** What a file of this format begins with, for the message to a user whose file is none. */
  readonly begins: string;
  /** `head`: the first line that is not blank, without byte order mark and line end; `rows`: those that follow it. */
  matches(head: string, rows: readonly string[]): boolean;
  /**
   * Tokens of a prefix block as the first lines say or show it, null if they do not; absent for formats without
   * blocks. `preferred` is taken where they leave a choice.
   */
  blockTokens?(lines: readonly string[], preferred: number | null): number | null;
  /** Streams the rows in file order; `text`: the file's chunks, cut anywhere. */
  read(text: AsyncIterable<string>, rows: RowContext): AsyncIterable<Request>;
}

/** Where a reader is in its file, and what becomes of a row that cannot be read. */
export interface RowContext {
  readonly path: string;
  /** Tokens of a prefix block; null where it is not known. */
  readonly blockTokens: number | null;
  /** Throws, or counts the row: the user's choice. */
  bad(row: BadRow): void;
}

export interface BadRow {
  readonly line: number;
  /** 1-based position of the column; null where the whole row is at fault. */
  readonly column: number | null;
  readonly message: string;
}

/** What a field reader throws: the value found and what was expected, without the place. */
export class FieldError extends Error {}

/** `FILE:LINE:COLUMN: message`, as editors understand it. */
export function badRowText(path: string, { line, column, message }: BadRow): string {
  return `${path}:${line}${column === null ? '' : `:${column}`}: ${message}`;
}

export function badRowError(path: string, row: BadRow): UserError {
  return new UserError(`${badRowText(path, row)} (--on-bad-row skip leaves such rows out and counts them)`);
}
