import { CsvError, parse as parseAll } from 'csv-parse/sync';
import { UserError } from '../../src/core/errors.ts';
import type { Request } from '../../src/core/request.ts';
import { csvRecords, type Delimiter } from './csv-records.ts';
import { farTime } from './faults.ts';
import { FieldError, namesText, notUsed, type BadRow, type RowContext } from './format.ts';
import { rowId } from '../row-id.ts';

/** A column: its name in the header, and how its text becomes a number. */
export interface Column {
  readonly name: string;
  readonly read: (name: string, value: string) => number;
}

/** Arrival, input and output tokens. */
export type Columns = readonly [arrivalUs: Column, input: Column, output: Column];

/** The cells of a line, without quotes and space around; none of an object's. */
export function cellsOf(line: string, delimiter: Delimiter = ','): string[] {
  if (line.startsWith('{')) return [];
  const options = { delimiter, record_delimiter: '\n', relax_column_count: true, relax_quotes: true, trim: true };
  try {
    return parseAll(line, options)[0] ?? [];
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
): AsyncGenerator<readonly Request[]> {
  const tail = { text: '' };
  let header: Header | null = null;
  let lastBad: BadRow | null = null;
  let firstUs: number | null = null;
  let seq = 0;
  for await (const records of csvRecords(rows.path, remembered(text, tail))) {
    // A step for each row would cost more than reading it.
    const found: Request[] = [];
    for (const { record, line } of records) {
      if (header === null) {
        header = readHeader(rows.path, record, columnsOf(record));
        for (const name of record) rows.keys?.add(name);
        continue;
      }
      if (lastBad !== null) rows.bad(lastBad);
      lastBad = null;
      const row = readRow(record, line, header);
      if ('message' in row) {
        lastBad = row;
        continue;
      }
      const { arrivalUs, inputTokens, outputTokens } = row;
      firstUs ??= arrivalUs;
      const far = farTime(header.columns[0].name, arrivalUs, firstUs);
      if (far !== null) {
        lastBad = { line, column: (header.positions[0] ?? -1) + 1, message: far };
        continue;
      }
      found.push({ id: rowId(seq++), traceRow: line, dueUs: arrivalUs - firstUs, inputTokens, outputTokens });
    }
    yield found;
  }
  if (lastBad !== null) rows.bad(tail.text.endsWith('\n') ? lastBad : cutOff(lastBad));
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

interface Row {
  readonly arrivalUs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

function readRow(record: readonly string[], line: number, { columns, positions, width }: Header): Row | BadRow {
  // One cell too many is most often a number written with a comma, which moves every column after it.
  if (record.length > width) {
    const message = `the row has ${record.length} cells, expected ${width} as in the header`;
    return { line, column: width + 1, message };
  }
  let at = 0;
  const read = ({ name, read: numberOf }: Column): number => {
    const value = record[positions[at] ?? -1];
    if (value === undefined) throw new FieldError(`${name} is missing: the row has ${record.length} cells`);
    const number = numberOf(name, value);
    at++;
    return number;
  };
  try {
    return { arrivalUs: read(columns[0]), inputTokens: read(columns[1]), outputTokens: read(columns[2]) };
  } catch (thrown) {
    if (!(thrown instanceof FieldError)) throw thrown;
    return { line, column: (positions[at] ?? -1) + 1, message: thrown.message };
  }
}
