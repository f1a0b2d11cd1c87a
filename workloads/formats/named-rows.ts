import type { Request } from '../../src/core/request.ts';
import { LargeSet } from '../large-set.ts';
import { firstLine, joined } from '../containers/first-line.ts';
import { csvRecords, type Delimiter } from './csv-records.ts';
import { cellsOf, cutOff, remembered } from './csv-rows.ts';
import { farTime, faultName, LENGTH_EXPECTED, MAX_ROW_TOKENS } from './faults.ts';
import { absoluteTimeToUs, numberToUs, secondsToUs, tokenCount } from './fields.ts';
import { cellText, FieldError, namesText, notUsed, quoted, type BadRow, type RowContext } from './format.ts';
import { UserError } from '../../src/core/errors.ts';
import { given } from './given.ts';
import { jsonLines, nameText, noObject, TEXT_EXPECTED } from './json-lines.ts';
import { atPath, tableForm } from './table-form.ts';
import { rowId } from '../row-id.ts';

/** What a row says of a request; `arrivalUs`: null where the format has no times. */
export type RowRequest = Pick<Request, 'inputTokens' | 'outputTokens'> & {
  readonly [K in keyof Omit<Request, 'traceRow' | 'dueUs' | 'inputTokens' | 'outputTokens'>]?: Request[K] | undefined;
} & { readonly arrivalUs: number | null };

/** How a format reads its rows, by the names of their columns or keys. */
export interface RowReader {
  /** Every name that is read. */
  readonly uses: readonly string[];
  /** Rows may have ids of their own, which are then all held; of one that stands twice, the later row is bad or renamed. */
  readonly ids?: 'unique' | 'renamed';
  /** A request, or why the row is none that can be replayed. Throws a FieldError. */
  readonly read: (fields: Fields) => RowRequest | string;
}

/**
 * One row of a CSV file or one object of JSON Lines, by names; names of CSV columns count without case, and a name may be a
 * path through objects (`usage.prompt_tokens`).
 */
export class Fields {
  readonly #value: (name: string) => unknown;
  readonly #isJson: boolean;
  /** The name that was asked for last: the one that is at fault when a reader throws. */
  lastName = '';

  constructor(value: (name: string) => unknown, isJson: boolean) {
    this.#value = value;
    this.#isJson = isJson;
  }

  /** The value as it stands; undefined where there is none or an empty one. */
  value(name: string): unknown {
    this.lastName = name;
    const found = this.#value(name);
    return found === '' || found === null ? undefined : found;
  }

  /** The first of several names that the row has a value for; the first of all where it has none. */
  first(...names: readonly [string, ...string[]]): string {
    return names.find((name) => this.value(name) !== undefined) ?? names[0];
  }

  text(name: string): string | undefined {
    const found = this.value(name);
    if (found === undefined) return undefined;
    const { data, success } = nameText.safeParse(typeof found === 'number' ? String(found) : found);
    if (success) return data;
    throw new FieldError(`${name} is ${quoted(found)}, expected ${TEXT_EXPECTED}`);
  }

  /** Input or output tokens: a whole number from 1. */
  tokens(name: string): number {
    const found = this.value(name);
    if (typeof found === 'string' || !this.#isJson) return tokenCount(name, cellText(found));
    if (typeof found === 'number' && Number.isInteger(found) && found >= 1 && found <= MAX_ROW_TOKENS) return found;
    throw new FieldError(`${faultName('length', found)}${name} is ${shown(found)}, expected ${LENGTH_EXPECTED}`);
  }

  /** Whether a count stands there and is 0. */
  isZero(name: string): boolean {
    const found = this.value(name);
    return found === 0 || (typeof found === 'string' && /^\s*0+(?:\.0*)?\s*$/.test(found));
  }

  /** A whole number from 0; undefined where there is none. */
  count(name: string): number | undefined {
    const found = this.value(name);
    if (found === undefined) return undefined;
    const count = /^\s*\d+(?:\.0*)?\s*$/.test(cellText(found)) ? Number(found) : Number.NaN;
    if (count <= MAX_ROW_TOKENS) return count;
    throw new FieldError(`${name} is ${shown(found)}, expected a whole number from 0 to ${MAX_ROW_TOKENS}`);
  }

  /** Seconds, as whole microseconds. */
  seconds(name: string): number {
    return secondsToUs(name, cellText(this.value(name)));
  }

  /** Milliseconds, as whole microseconds. */
  milliseconds(name: string): number {
    return numberToUs(name, cellText(this.value(name)), 'ms');
  }

  /** A date, or a time since 1970, as whole microseconds since 1970. */
  time(name: string): number {
    return absoluteTimeToUs(name, cellText(this.value(name)));
  }

  /** Whole microseconds since 1970; undefined where there is none, or one that cannot be read: it is not needed. */
  perhapsTime(name: string): number | undefined {
    try {
      return this.value(name) === undefined ? undefined : this.time(name);
    } catch (thrown) {
      if (thrown instanceof FieldError) return undefined;
      throw thrown;
    }
  }
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : quoted(value);
}

/** The columns or keys of a file that a reader leaves out; `keys`: those of its rows. */
export function namedNotes(head: string, keys: ReadonlySet<string>, uses: readonly string[]): string[] {
  if (head.startsWith('{'))
    return notUsed(
      'keys',
      [...keys].filter((key) => !uses.includes(key)),
    );
  const used = new Set(uses.map((name) => name.toLowerCase()));
  return notUsed(
    'columns',
    cellsOf(head).filter((name) => !used.has(name.toLowerCase())),
  );
}

/** Whether a first line is a CSV header with all of these columns. */
export function hasNames(head: string, names: readonly string[]): boolean {
  const found = new Set(cellsOf(head).map((name) => name.toLowerCase()));
  return names.every((name) => found.has(name.toLowerCase()));
}

/**
 * The requests of CSV with a header or of JSON Lines, a row each, times counted from the first request. Rows that cannot
 * be read are given to `rows.bad`, those that are none to replay to `rows.leftOut`.
 */
export async function* namedRequests(
  text: AsyncIterable<string>,
  rows: RowContext,
  reader: RowReader,
): AsyncGenerator<Request> {
  const ids = new LargeSet<string>();
  let firstUs: number | null = null;
  let seq = 0;
  for await (const { line, fields, bad } of namedRows(text, rows, reader.uses)) {
    try {
      const found = reader.read(fields);
      if (typeof found === 'string') {
        rows.leftOut?.({ line, reason: found });
        continue;
      }
      const { id: named, arrivalUs, ...request } = found;
      const isTwice = named !== undefined && ids.has(named);
      if (isTwice && reader.ids !== 'renamed')
        throw new FieldError(`duplicate_id: id ${quoted(named)} stands in an earlier row too, expected unique ids`);
      if (isTwice) rows.remark?.('the id stands in an earlier row too: this request is called ID#LINE');
      const id = isTwice ? `${named}#${line}` : named;
      const dueUs = arrivalUs === null ? 0 : arrivalUs - (firstUs ?? arrivalUs);
      const far = farTime('the time', dueUs, 0);
      if (far !== null) throw new FieldError(far);
      firstUs ??= arrivalUs;
      const { inputTokens, outputTokens, ...rest } = request;
      if (id === undefined) while (ids.has(rowId(seq))) seq++;
      const unique = id ?? rowId(seq);
      if (reader.ids !== undefined) ids.add(unique);
      yield { id: unique, traceRow: line, dueUs, inputTokens, outputTokens, ...given(rest) };
      seq++;
    } catch (thrown) {
      if (!(thrown instanceof FieldError)) throw thrown;
      bad(thrown.message);
    }
  }
}

interface NamedRow {
  readonly line: number;
  readonly fields: Fields;
  /** Names the row as bad. */
  readonly bad: (message: string) => void;
}

async function* namedRows(
  text: AsyncIterable<string>,
  rows: RowContext,
  uses: readonly string[],
): AsyncGenerator<NamedRow> {
  const { first, rest } = await firstLine(text);
  const form = tableForm(first);
  const all = joined(first, rest);
  yield* form.kind === 'json' ? jsonObjects(all, rows, uses) : csvRows(all, rows, uses, form.delimiter);
}

async function* jsonObjects(
  text: AsyncIterable<string>,
  rows: RowContext,
  uses: readonly string[],
): AsyncGenerator<NamedRow> {
  for await (const lines of jsonLines(text, rows, new Set(uses)))
    for (const found of lines) {
      const { line, value } = found;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        rows.bad(noObject(found, namesText(uses)));
        continue;
      }
      yield {
        line,
        fields: new Fields((name) => atPath(value, name), true),
        bad: (message) => rows.bad({ line, column: null, message }),
      };
    }
}

async function* csvRows(
  text: AsyncIterable<string>,
  rows: RowContext,
  uses: readonly string[],
  delimiter: Delimiter,
): AsyncGenerator<NamedRow> {
  const tail = { text: '' };
  let positions: Map<string, number> | null = null;
  let width = 0;
  // A bad row is told with the next one: of the last one it counts whether its line has an end.
  let lastBad: BadRow | null = null;
  for await (const records of csvRecords(rows.path, remembered(text, tail), delimiter))
    for (const { record, line } of records) {
      if (positions === null) {
        positions = positionsOf(rows.path, record, uses);
        width = record.length;
        for (const name of record) rows.keys?.add(name);
        continue;
      }
      if (lastBad !== null) rows.bad(lastBad);
      lastBad = null;
      if (record.length > width) {
        const message = `the row has ${record.length} cells, expected ${width} as in the header`;
        lastBad = { line, column: width + 1, message };
        continue;
      }
      const at = positions;
      const fields = new Fields((name) => record[at.get(name.toLowerCase()) ?? -1], false);
      yield {
        line,
        fields,
        bad(message) {
          lastBad = { line, column: (at.get(fields.lastName.toLowerCase()) ?? 0) + 1, message };
        },
      };
    }
  if (lastBad !== null) rows.bad(tail.text.endsWith('\n') ? lastBad : cutOff(lastBad));
}

/** Throws a UserError for a column that stands twice and is read. */
function positionsOf(path: string, record: readonly string[], uses: readonly string[]): Map<string, number> {
  const positions = new Map<string, number>();
  const used = new Set(uses.map((name) => name.toLowerCase()));
  for (const [at, name] of record.entries()) {
    const first = positions.get(name.toLowerCase());
    if (first !== undefined && used.has(name.toLowerCase()))
      throw new UserError(
        `${path}: duplicate_column: ${namesText([name])} stands twice in the header, as columns ${first + 1} and ${at + 1}; name one of them otherwise`,
      );
    positions.set(name.toLowerCase(), at);
  }
  return positions;
}
