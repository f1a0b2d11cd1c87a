import { finished } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { parse as parseAll } from 'csv-parse/sync';
import { messageOf, UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { MOST_ROW_BYTES } from '../file-text.ts';
import { farTime } from './faults.ts';
import { FieldError, namesText, notUsed, type BadRow, type RowContext } from './format.ts';

/** A column: its name in the header, and how its text becomes a number. */
export interface Column {
  readonly name: string;
  readonly read: (name: string, value: string) => number;
}

/** Arrival, input and output tokens. */
export type Columns = readonly [arrivalUs: Column, input: Column, output: Column];

/** The cells of a line, without quotes and space around; none of an object's. */
export function cellsOf(line: string): string[] {
  if (line.startsWith('{')) return [];
  try {
    return (
      parseAll(line, { record_delimiter: '\n', relax_column_count: true, relax_quotes: true, trim: true })[0] ?? []
    );
  } catch (thrown) {
    if (thrown instanceof CsvError) return [];
    throw thrown;
  }
}

export function hasColumns(head: string, columns: readonly Column[]): boolean {
  const names = cellsOf(head).map((name) => name.toLowerCase());
  return columns.every((column) => names.includes(column.name.toLowerCase()));
}

/** Names the columns that a reader of `columns` leaves out. */
export function csvNotes(head: string, columns: readonly Column[]): string[] {
  const used = new Set(columns.map(({ name }) => name.toLowerCase()));
  return notUsed(
    'columns',
    cellsOf(head).filter((name) => !used.has(name.toLowerCase())),
  );
}

/**
 * Rows of a CSV file with a header, as requests: quotes, CRLF, a byte order mark, blank lines and a last line without
 * its end are all fine; columns are found by name. `columnsOf`: the columns to read, from the names in the header.
 */
export async function* csvRequests(
  text: AsyncIterable<string>,
  rows: RowContext,
  columnsOf: (names: readonly string[]) => Columns,
): AsyncGenerator<Request> {
  const tail = { text: '' };
  let header: Header | null = null;
  let lastBad: BadRow | null = null;
  let firstUs: number | null = null;
  let seq = 0;
  for await (const records of parsedRecords(rows.path, remembered(withoutReturns(text), tail)))
    for (const { record, info } of records) {
      if (header === null) {
        header = readHeader(rows.path, record, columnsOf(record));
        for (const name of record) rows.keys?.add(name);
        continue;
      }
      if (lastBad !== null) rows.bad(lastBad);
      lastBad = null;
      const values = readRow(record, info.lines, header);
      if (!Array.isArray(values)) {
        lastBad = values;
        continue;
      }
      const [arrivalUs, inputTokens, outputTokens] = values;
      firstUs ??= arrivalUs;
      const far = farTime(header.columns[0].name, arrivalUs, firstUs);
      if (far !== null) {
        lastBad = { line: info.lines, column: (header.positions[0] ?? -1) + 1, message: far };
        continue;
      }
      yield { id: `r${seq++}`, traceRow: info.lines, dueUs: arrivalUs - firstUs, inputTokens, outputTokens };
    }
  if (lastBad !== null) rows.bad(tail.text.endsWith('\n') ? lastBad : cutOff(lastBad));
}

export interface CsvRecord {
  readonly record: readonly string[];
  /** `lines`: the line on which it ends. */
  readonly info: { readonly lines: number };
}

/** The records of each chunk together: a step between stages for each record would add a sixth to the time of the parse. */
export async function* parsedRecords(path: string, text: AsyncIterable<string>): AsyncGenerator<readonly CsvRecord[]> {
  const parser = parse({
    bom: true,
    info: true,
    // Lines are bounded before; a quote that is not closed makes a row of any number of them.
    max_record_size: MOST_ROW_BYTES,
    record_delimiter: '\n',
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  let records: CsvRecord[] = [];
  parser.on('data', (record: CsvRecord) => records.push(record));
  // Where a chunk is not well-formed, this is rejected before anything waits for it.
  const ended = finished(parser);
  ended.catch(() => undefined);
  try {
    for await (const chunk of text) {
      await new Promise<void>((resolve, reject) => {
        parser.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      // The parser may deliver more while this generator waits: that goes into the next array.
      const parsed = records;
      records = [];
      yield parsed;
    }
    parser.end();
    await ended;
    yield records;
  } catch (thrown) {
    if (thrown instanceof CsvError && thrown.code === 'CSV_MAX_RECORD_SIZE')
      throw new UserError(
        `${path}:${String(thrown['lines'])}: row_too_long: the row above is longer than ${MOST_ROW_BYTES / 2 ** 20} MiB: a quote in it is most likely not closed`,
        { cause: thrown },
      );
    if (thrown instanceof CsvError)
      throw new UserError(`${path}: not well-formed CSV: ${messageOf(thrown)}`, { cause: thrown });
    throw thrown;
  }
}

/** A bad row that nothing ends is most often one that a copy or a download cut off. */
export function cutOff(row: BadRow): BadRow {
  return { ...row, message: `truncated_last_line: the file ends in the middle of a line: ${row.message}` };
}

/** The same text; `last` holds its last chunk that is not empty. */
export async function* remembered(text: AsyncIterable<string>, last: { text: string }): AsyncGenerator<string> {
  for await (const chunk of text) {
    if (chunk !== '') last.text = chunk;
    yield chunk;
  }
}

/** Carriage returns within quotes, or before another one, would count as lines; space around a cell is dropped. */
export async function* withoutReturns(text: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const chunk of text) yield chunk.replaceAll('\r', ' ');
}

/** The columns to read, where they are, and how many cells a row may have. */
interface Header {
  readonly columns: Columns;
  readonly positions: readonly number[];
  readonly width: number;
}

/** Throws a UserError for a column that stands twice: one of the two would be read, and which is nobody's choice. */
function readHeader(path: string, record: readonly string[], columns: Columns): Header {
  const names = record.map((name) => name.toLowerCase());
  for (const { name } of columns) {
    const [first, last] = [names.indexOf(name.toLowerCase()), names.lastIndexOf(name.toLowerCase())];
    if (first !== last)
      throw new UserError(
        `${path}: duplicate_column: ${namesText([name])} stands twice in the header, as columns ${first + 1} and ${last + 1}; name one of them otherwise`,
      );
  }
  return { columns, positions: columns.map(({ name }) => names.indexOf(name.toLowerCase())), width: names.length };
}

function readRow(
  record: readonly string[],
  line: number,
  { columns, positions, width }: Header,
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
