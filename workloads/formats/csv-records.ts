import { finished } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { messageOf, UserError } from '../../src/core/errors.ts';
import { MOST_ROW_BYTES } from '../file-text.ts';
import { trimmed } from './trimmed.ts';

/** What stands between the cells of a row. */
export type Delimiter = ',' | ';' | '\t';

export interface CsvRecord {
  /** Its cells, without quotes and space around. */
  readonly record: readonly string[];
  /** The line on which it ends. */
  readonly line: number;
}

/** Anything but printable ASCII without quotes: only that is split by hand. */
const NOT_PLAIN = /[^\t\n\f -!#-~]/;

/**
 * The records of a CSV text, those of each chunk together: a step between stages for each record would cost more than
 * to read it. Each is made when it is asked for, so that it dies young. Lines that are blank are no records. Throws a UserError for text that is not well-formed.
 *
 * Text without quotes is split at its delimiters, which takes a third of the library's time; from the first chunk on that
 * has a quote, or a character beyond ASCII, the library reads it.
 */
export async function* csvRecords(
  path: string,
  text: AsyncIterable<string>,
  delimiter: Delimiter = ',',
): AsyncGenerator<Iterable<CsvRecord>> {
  const chunks = withoutMarks(text);
  let rest = '';
  let line = 0;
  for await (const chunk of chunks) {
    if (NOT_PLAIN.test(chunk)) {
      yield* parsedRecords(path, startingWith(rest + chunk, chunks), line, delimiter);
      return;
    }
    const whole = rest + chunk;
    const ends = lineEnds(whole);
    rest = whole.slice((ends.at(-1) ?? -1) + 1);
    yield splitRecords(whole, ends, delimiter, line);
    line += ends.length;
  }
  yield splitRecords(rest, [rest.length], delimiter, line);
}

/** Where the lines of a text end, but for a last one that goes on behind it. */
function lineEnds(text: string): number[] {
  const ends: number[] = [];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) ends.push(end);
  return ends;
}

function* splitRecords(
  text: string,
  ends: readonly number[],
  delimiter: Delimiter,
  linesBefore: number,
): Generator<CsvRecord> {
  const mark = delimiter.charCodeAt(0);
  let line = linesBefore;
  let from = 0;
  for (const end of ends) {
    line++;
    const record = cellsBetween(text, from, end, mark);
    from = end + 1;
    if (record.length > 1 || record[0] !== '') yield { record, line };
  }
}

/** Cells are cut out of the whole text: a text for each line on the way would take a third longer. */
function cellsBetween(text: string, from: number, to: number, mark: number): string[] {
  const cells: string[] = [];
  let begin = from;
  for (let at = from; at < to; at++) {
    if (text.charCodeAt(at) !== mark) continue;
    cells.push(trimmed(text.slice(begin, at)));
    begin = at + 1;
  }
  cells.push(trimmed(text.slice(begin, to)));
  return cells;
}

/** `linesBefore`: those of the file above the text. */
async function* parsedRecords(
  path: string,
  text: AsyncIterable<string>,
  linesBefore: number,
  delimiter: Delimiter,
): AsyncGenerator<readonly CsvRecord[]> {
  const parser = parse({
    delimiter,
    info: true,
    // Lines are bounded before; a quote that is not closed makes a row of any number of them.
    max_record_size: MOST_ROW_BYTES,
    record_delimiter: '\n',
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  });
  let records: CsvRecord[] = [];
  parser.on('data', ({ record, info }: { record: readonly string[]; info: { lines: number } }) =>
    records.push({ record, line: linesBefore + info.lines }),
  );
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
        `${path}:${linesBefore + Number(thrown['lines'])}: row_too_long: the row above is longer than ${MOST_ROW_BYTES / 2 ** 20} MiB: a quote in it is most likely not closed`,
        { cause: thrown },
      );
    if (thrown instanceof CsvError)
      throw new UserError(`${path}: not well-formed CSV: ${messageOf(thrown)}`, { cause: thrown });
    throw thrown;
  }
}

/**
 * Without a byte order mark. Carriage returns within quotes, or before another one, would count as lines: they are form
 * feeds here, which are dropped around a cell, and stand in no time or number.
 */
async function* withoutMarks(text: AsyncIterable<string>): AsyncGenerator<string> {
  let isFirst = true;
  for await (const chunk of text) {
    yield (isFirst && chunk.startsWith('\uFEFF') ? chunk.slice(1) : chunk).replaceAll('\r', '\f');
    isFirst &&= chunk === '';
  }
}

async function* startingWith(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
