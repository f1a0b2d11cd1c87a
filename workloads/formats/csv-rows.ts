import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { messageOf, UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { FieldError, type RowContext } from './format.ts';

const BATCH = 1024;

/** A column: its name in the header, and how its text becomes a number. */
export interface Column {
  readonly name: string;
  readonly read: (name: string, value: string) => number;
}

/** Header names as they are compared: without quotes and space around, in lower case. */
export function headerNames(head: string): string[] {
  return head.split(',').map((name) =>
    name
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .trim()
      .toLowerCase(),
  );
}

export function hasColumns(head: string, columns: readonly Column[]): boolean {
  const names = headerNames(head);
  return columns.every((column) => names.includes(column.name.toLowerCase()));
}

/**
 * Rows of a CSV file with a header, as requests: quotes, CRLF, a byte order mark, blank lines and a last line without
 * its end are all fine; columns are found by name, others are ignored. `columns`: arrival, input and output tokens.
 */
export async function* csvRequests(
  text: AsyncIterable<string>,
  rows: RowContext,
  columns: readonly [arrivalUs: Column, input: Column, output: Column],
): AsyncGenerator<readonly Request[]> {
  const parser = Readable.from(text, { objectMode: false }).pipe(
    parse({ bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true }),
  );
  let positions: number[] | null = null;
  let firstUs: number | null = null;
  let batch: Request[] = [];
  let seq = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (positions === null) {
        const header = record.map((name) => name.trim().toLowerCase());
        positions = columns.map((column) => header.indexOf(column.name.toLowerCase()));
        continue;
      }
      const values = readRow(record, info.lines, columns, positions, rows);
      if (values === null) continue;
      const [arrivalUs, inputTokens, outputTokens] = values;
      firstUs ??= arrivalUs;
      batch.push({ id: `r${seq++}`, traceRow: info.lines, dueUs: arrivalUs - firstUs, inputTokens, outputTokens });
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (thrown) {
    if (thrown instanceof CsvError)
      throw new UserError(`${rows.path}: not well-formed CSV: ${messageOf(thrown)}`, { cause: thrown });
    throw thrown;
  }
  if (batch.length > 0) yield batch;
}

function readRow(
  record: readonly string[],
  line: number,
  columns: readonly [Column, Column, Column],
  positions: readonly number[],
  rows: RowContext,
): [number, number, number] | null {
  const values: [number, number, number] = [0, 0, 0];
  for (const [i, column] of columns.entries()) {
    const position = positions[i] ?? -1;
    const value = record[position];
    try {
      if (value === undefined)
        throw new FieldError(`${column.name} is missing: the row has ${record.length} of the columns`);
      values[i] = column.read(column.name, value);
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      rows.bad({ line, column: position + 1, message: thrown.message });
      return null;
    }
  }
  return values;
}
