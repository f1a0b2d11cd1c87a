import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as csv from 'csv-parse/sync';
import { z } from 'zod';
import { messageOf, UserError } from '../../core/errors.ts';
import { MOST_JSON_BYTES, readWithin } from '../../core/read-within.ts';
import { LAYOUTS, type Layout, type TableRow } from './table-layouts.ts';

/** The rows of a file of measured times. */
export interface TableFile {
  readonly path: string;
  readonly sha256: string;
  readonly rows: readonly TableRow[];
}

const parsed = z.array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }));

/** The last content of each path: a search makes thousands of engines, and the file seldom changes. */
const known = new Map<string, TableFile>();

/**
 * Reads a file in one of `LAYOUTS`. Throws a UserError that names the line, the column, the value and the expected one.
 */
export function readTableFile(path: string): TableFile {
  const bytes = read(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const before = known.get(path);
  if (before?.sha256 === sha256) return before;
  const file = { path, sha256, rows: rowsOf(path, bytes) };
  known.set(path, file);
  return file;
}

function read(path: string): Buffer {
  try {
    return readWithin(path, MOST_JSON_BYTES);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      `reference engine: cost=${path} cannot be read: ${messageOf(thrown)}; give the path of a table of measured times, or leave it out (cost=roofline)`,
      { cause: thrown },
    );
  }
}

function rowsOf(path: string, bytes: Buffer): TableRow[] {
  const [head, ...lines] = cells(path, bytes);
  const header = (head?.record ?? []).map((name) => name.toLowerCase());
  const layout = LAYOUTS.find(({ columns }) => columns.every((column) => header.includes(column)));
  if (layout === undefined) throw notALayout(path, header);
  if (lines.length === 0) throw new UserError(`${path}: no row follows the header; give at least one measured time`);
  return lines.map(({ record, info }) => rowOf(path, layout, header, record, info.lines));
}

function cells(path: string, bytes: Buffer): z.infer<typeof parsed> {
  const options = { bom: true, info: true, record_delimiter: ['\r\n', '\n'], skip_empty_lines: true, trim: true };
  // Loaded here: hardly an engine has a table of measured times.
  const { CsvError, parse }: typeof csv = createRequire(import.meta.url)('csv-parse/sync');
  try {
    return parsed.parse(parse(bytes, options));
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    throw new UserError(`${path}: not well-formed CSV: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function rowOf(
  path: string,
  layout: Layout,
  header: readonly string[],
  record: readonly string[],
  line: number,
): TableRow {
  const values = Object.fromEntries(header.map((name, i) => [name, record[i]]));
  const result = layout.row.safeParse(values);
  if (result.success) return { line, ...result.data };
  const issue = result.error.issues[0];
  const column = String(issue?.path[0]);
  throw new UserError(
    `${path}:${line}:${header.indexOf(column) + 1}: ${column} is "${values[column]}", ${issue?.message}`,
  );
}

function notALayout(path: string, header: readonly string[]): UserError {
  return new UserError(
    `${path}:1: the columns ${header.join(', ')} are not those of a table of measured times, expected ` +
      LAYOUTS.map(({ name, columns }) => `${columns.join(', ')} (${name})`).join(' or '),
  );
}
