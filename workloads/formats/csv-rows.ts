import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { messageOf, UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { FieldError, type BadRow, type RowContext } from './format.ts';

const BATCH = 1024;
/** A row is never longer; a quote that is not closed must not take the whole file into memory. */
const MOST_ROW_CHARACTERS = 16 * 2 ** 20;

/** A column: its name in the header, and how its text becomes a number. */
export interface Column {
  readonly name: string;
  readonly read: (name: string, value: string) => number;
}

/** Header names as they are compared: without quotes and space around, in lower case. */
function headerNames(head: string): string[] {
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
  // Not `pipe`: a fault of the file has to reach this loop, and a loop that is left early has to close the file.
  const tail = { text: '' };
  const parsed: AsyncIterable<{ record: string[]; info: { lines: number } }> = pipeline(
    remembered(text, tail),
    parse({
      bom: true,
      info: true,
      max_record_size: MOST_ROW_CHARACTERS,
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }),
    () => undefined,
  );
  let header: Header | null = null;
  let lastBad: BadRow | null = null;
  let firstUs: number | null = null;
  let batch: Request[] = [];
  let seq = 0;
  try {
    for await (const { record, info } of parsed) {
      if (header === null) {
        const names = record.map((name) => name.trim().toLowerCase());
        const positions = columns.map((column) => names.indexOf(column.name.toLowerCase()));
        header = { positions, width: names.length };
        continue;
      }
      if (lastBad !== null) rows.bad(lastBad);
      lastBad = null;
      const values = readRow(record, info.lines, columns, header);
      if (!Array.isArray(values)) {
        lastBad = values;
        continue;
      }
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
  if (lastBad !== null) rows.bad(tail.text.endsWith('\n') ? lastBad : cutOff(lastBad));
  if (batch.length > 0) yield batch;
}

/** A bad row that nothing ends is most often one that a copy or a download cut off. */
function cutOff(row: BadRow): BadRow {
  return { ...row, message: `truncated_last_line: the file ends in the middle of a line: ${row.message}` };
}

/** Passes text on and keeps what came last. */
async function* remembered(text: AsyncIterable<string>, last: { text: string }): AsyncGenerator<string> {
  for await (const chunk of text) {
    if (chunk !== '') last.text = chunk;
    yield chunk;
  }
}

/** Where the columns are, and how many cells a row may have. */
interface Header {
  readonly positions: readonly number[];
  readonly width: number;
}

function readRow(
  record: readonly string[],
  line: number,
  columns: readonly [Column, Column, Column],
  { positions, width }: Header,
): [number, number, number] | BadRow {
  // One cell too many is most often a number written with a comma, which moves every column after it.
  if (record.length > width) {
    const message = `the row has ${record.length} cells, expected ${width} as in the header`;
    return { line, column: width + 1, message };
  }
  const values: [number, number, number] = [0, 0, 0];
  for (const [i, column] of columns.entries()) {
    const position = positions[i] ?? -1;
    const value = record[position];
    try {
      if (value === undefined) throw new FieldError(`${column.name} is missing: the row has ${record.length} cells`);
      values[i] = column.read(column.name, value);
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      return { line, column: position + 1, message: thrown.message };
    }
  }
  return values;
}
