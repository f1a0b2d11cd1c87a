import { UserError } from '../../src/core/errors.ts';
import type { InputIs } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import type { NamedUnit } from './column-names.ts';
import type { TextTokens } from './text-tokens.ts';

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
  /** Whether its prompts are texts without token counts, which `RowContext.textTokens` counts. */
  readonly hasTexts?: true;
  /** As `Source.starts`. Rows stand session by session then, each in order of time. */
  readonly starts?: 'none' | ((head: string) => 'none' | null);
  /** The longest row in bytes, for formats in which a row is a whole conversation; absent: `MOST_ROW_BYTES`. */
  readonly mostRowBytes?: number;
  /** Which column is what, of the format of any table. */
  readonly map?: string;
  /** Unit of the times that a column's name in the first line says, for formats where it may be any. */
  timeUnit?(head: string): NamedUnit | null;
  /**
   * What to know of how a file is read: parts of it that are not used. `head`: its first line; `keys`: those that its
   * rows had as far as they were read.
   */
  notes?(head: string, keys: ReadonlySet<string>): readonly string[];
  /** Streams the rows in file order, one by one or several at a time; `text`: the file's chunks, cut anywhere. */
  read(text: AsyncIterable<string>, rows: RowContext): AsyncIterable<Request | readonly Request[]>;
}

/** Where a reader is in its file, and what becomes of a row that cannot be read. */
export interface RowContext {
  readonly path: string;
  /** Tokens of a prefix block; null where it is not known. */
  readonly blockTokens: number | null;
  /** Told of each row that cannot be read; the reader goes on with the next. */
  bad(row: BadRow): void;
  /** A reader adds the keys or columns of the rows, those that it does not use too. */
  readonly keys?: Set<string> | undefined;
  /** Told of each row, or part of one, that is sound and still no request to replay, such as one that failed. */
  leftOut?(left: LeftOut): void;
  /** Told of each row that was read in a way that its user should know of, for a count of those that are alike. */
  remark?(text: string): void;
  /** Counts the tokens of texts; absent: by their characters. */
  readonly textTokens?: TextTokens | undefined;
  /** What the input tokens of a row count; absent: as the format has it, the whole prompt for most. */
  readonly inputIs?: InputIs | undefined;
}

export interface LeftOut {
  readonly line: number;
  /** For a count of those that are left out for one reason: `failed: 0 response tokens`. */
  readonly reason: string;
}

export interface BadRow {
  readonly line: number;
  /** 1-based position of the column; null where the whole row is at fault. */
  readonly column: number | null;
  readonly message: string;
  /** The file and line, where the trace is several files. */
  readonly place?: { readonly path: string; readonly line: number } | null;
}

/** What a field reader throws: the value found and what was expected, without the place. */
export class FieldError extends Error {}

const MOST_NAMES = 20;

/** Names for a message: quoted as in JSON, so that no character of theirs reaches a terminal as it is. */
export function namesText(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map((name) => JSON.stringify(name.slice(0, 60)).slice(1, -1));
  return shown.join(', ') + (names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '');
}

/** Of a value that a message quotes. */
const MOST_QUOTED = 80;

/** A value as JSON for a message: its beginning, and no deeper than two levels, however long and deep it is. */
export function quoted(value: unknown, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MOST_QUOTED)).slice(0, MOST_QUOTED);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (depth === 2) return `${open}...${close}`;
  const items = Array.isArray(value)
    ? value.slice(0, MOST_NAMES).map((item) => quoted(item, depth + 1))
    : Object.entries(value)
        .slice(0, MOST_NAMES)
        .map(([key, item]) => `${quoted(key)}:${quoted(item, depth + 1)}`);
  return `${open}${items.join(',').slice(0, MOST_QUOTED - 2)}${close}`;
}

/** A value of a cell or field as the text that a cell would have: numbers as their digits, nothing as none. */
export function cellText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : quoted(value);
}

/** The note on columns or keys of a file that nothing reads. */
export function notUsed(what: 'columns' | 'keys', names: readonly string[]): string[] {
  // A column without a name numbers the rows.
  const named = names.filter((name) => name.trim() !== '');
  return named.length === 0
    ? []
    : [`${what} not used: ${namesText(named)}; requests are replayed without what they say`];
}

/** `FILE:LINE:COLUMN: message`, as editors understand it. */
export function badRowText(path: string, { line, column, message, place }: BadRow): string {
  return `${place?.path ?? path}:${place?.line ?? line}${column === null ? '' : `:${column}`}: ${message}`;
}

/** `doubt`: why leaving such rows out is no way out; null where it is one. */
export function badRowError(path: string, row: BadRow, doubt: string | null): UserError {
  const wayOut = doubt ?? '(--on-bad-row skip leaves such rows out and counts them)';
  return new UserError(`${badRowText(path, row)}${doubt === null ? ' ' : '\n  '}${wayOut}`);
}
