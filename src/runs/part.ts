import { type AsyncBuffer, type ColumnMetaData, type FileMetaData, parquetMetadata, parquetRead } from 'hyparquet';
import {
  OUTCOMES,
  RECORD_COLUMNS,
  type RequestRecord,
  TOKEN_COUNT_SOURCES,
  TOKEN_TIME_SOURCES,
} from '../core/record.ts';
import { release } from '../core/release.ts';
import { SCHEMA } from './parquet.ts';
import { readTokenColumn, type TokenColumn } from './token-column.ts';

/** The records of a part. Each is made when it is asked for: all of them at once would outlive their use by far. */
export interface Part {
  readonly ids: readonly string[];
  /** From 0, as they were written. */
  record(row: number): RequestRecord;
  /** No record is asked for any more; those that were made stay. */
  release(): void;
}

/** Throws an Error that names the reason if the part is damaged, or none. */
export async function decodePart(bytes: Uint8Array): Promise<Part> {
  const part = open(bytes);
  const packed = packedTokens(bytes, part);
  const names = namesWithValues(part).filter((name) => packed === null || name !== 'token_times_us');
  const columns = await readColumns(part, names);
  part.close();
  const tokens = packed ?? tokensOfLists(columns);
  if (tokens.ends.length !== columns.records)
    throw new Error(`column "token_times_us": ${tokens.ends.length} values for ${columns.records} records`);
  const fields = fieldsOf(columns);
  return {
    ids: fields.request_id,
    record: (row) => recordAt(fields, tokens, row),
    release: () => {
      for (const values of Object.values(fields)) if (values instanceof Float64Array) release(values);
    },
  };
}

type Fields = ReturnType<typeof fieldsOf>;

/** The values of all columns but the token times. */
function fieldsOf(columns: Columns) {
  const whole = (name: keyof RequestRecord): Float64Array<ArrayBuffer> => wholeNumbers(columns, name);
  return {
    request_id: required(columns, 'request_id', text),
    session_id: optional(columns, 'session_id', text),
    turn: whole('turn'),
    trace_row: whole('trace_row'),
    slo_class: optional(columns, 'slo_class', text),
    model: optional(columns, 'model', text),
    target: optional(columns, 'target', text),
    measured: required(columns, 'measured', flag),
    due_us: whole('due_us'),
    sent_us: whole('sent_us'),
    connect_us: whole('connect_us'),
    first_token_us: whole('first_token_us'),
    end_us: whole('end_us'),
    input_tokens_planned: whole('input_tokens_planned'),
    input_tokens: whole('input_tokens'),
    cached_tokens: whole('cached_tokens'),
    output_tokens_planned: whole('output_tokens_planned'),
    output_tokens: whole('output_tokens'),
    reasoning_tokens: whole('reasoning_tokens'),
    token_count_source: optional(columns, 'token_count_source', oneOf(TOKEN_COUNT_SOURCES)),
    token_time_source: optional(columns, 'token_time_source', oneOf(TOKEN_TIME_SOURCES)),
    outcome: required(columns, 'outcome', oneOf(OUTCOMES)),
    http_status: whole('http_status'),
    error: optional(columns, 'error', text),
    finish_reason: optional(columns, 'finish_reason', text),
    prefill_queue_us: whole('prefill_queue_us'),
    prefill_us: whole('prefill_us'),
    transfer_us: whole('transfer_us'),
    decode_queue_us: whole('decode_queue_us'),
    decode_us: whole('decode_us'),
    worker: whole('worker'),
    client_stalled: optional(columns, 'client_stalled', flag),
    hidden_tokens: whole('hidden_tokens'),
    output_tokens_reported: whole('output_tokens_reported'),
    lumped_tokens: whole('lumped_tokens'),
    held_us: whole('held_us'),
    prefill_call_us: whole('prefill_call_us'),
    handover_us: whole('handover_us'),
    first_decode_us: whole('first_decode_us'),
    planned_us: whole('planned_us'),
  };
}

function recordAt(fields: Fields, { times, ends }: TokenColumn, row: number): RequestRecord {
  return {
    request_id: at(fields.request_id, row),
    session_id: fields.session_id[row] ?? null,
    turn: at(fields.turn, row),
    trace_row: at(fields.trace_row, row),
    slo_class: fields.slo_class[row] ?? null,
    model: fields.model[row] ?? null,
    target: fields.target[row] ?? null,
    measured: at(fields.measured, row),
    due_us: at(fields.due_us, row),
    sent_us: orNull(fields.sent_us, row),
    connect_us: orNull(fields.connect_us, row),
    first_token_us: orNull(fields.first_token_us, row),
    end_us: orNull(fields.end_us, row),
    input_tokens_planned: orNull(fields.input_tokens_planned, row),
    input_tokens: orNull(fields.input_tokens, row),
    cached_tokens: orNull(fields.cached_tokens, row),
    output_tokens_planned: orNull(fields.output_tokens_planned, row),
    output_tokens: orNull(fields.output_tokens, row),
    reasoning_tokens: orNull(fields.reasoning_tokens, row),
    // A view: thousands of small arrays, freed later, leave holes in the memory of the process.
    token_times_us: times.subarray(row === 0 ? 0 : ends[row - 1], ends[row]),
    token_count_source: fields.token_count_source[row] ?? null,
    token_time_source: fields.token_time_source[row] ?? null,
    outcome: at(fields.outcome, row),
    http_status: orNull(fields.http_status, row),
    error: fields.error[row] ?? null,
    finish_reason: fields.finish_reason[row] ?? null,
    prefill_queue_us: orNull(fields.prefill_queue_us, row),
    prefill_us: orNull(fields.prefill_us, row),
    transfer_us: orNull(fields.transfer_us, row),
    decode_queue_us: orNull(fields.decode_queue_us, row),
    decode_us: orNull(fields.decode_us, row),
    worker: at(fields.worker, row),
    client_stalled: fields.client_stalled[row] ?? null,
    hidden_tokens: orNull(fields.hidden_tokens, row),
    output_tokens_reported: orNull(fields.output_tokens_reported, row),
    lumped_tokens: orNull(fields.lumped_tokens, row),
    held_us: orNull(fields.held_us, row),
    prefill_call_us: orNull(fields.prefill_call_us, row),
    handover_us: orNull(fields.handover_us, row),
    first_decode_us: orNull(fields.first_decode_us, row),
    planned_us: orNull(fields.planned_us, row),
  };
}

/** The `request_id` column alone. */
export async function decodeIds(bytes: Uint8Array): Promise<Pick<Part, 'ids'>> {
  const part = open(bytes);
  const ids = required(await readColumns(part, ['request_id']), 'request_id', text);
  part.close();
  return { ids };
}

/** What puts the records of a part in order. */
export interface DueKeys extends Pick<Part, 'ids'> {
  readonly dueUs: Float64Array;
}

export async function decodeDueKeys(bytes: Uint8Array): Promise<DueKeys> {
  const part = open(bytes);
  const columns = await readColumns(part, ['request_id', 'due_us']);
  part.close();
  return { ids: required(columns, 'request_id', text), dueUs: wholeNumbers(columns, 'due_us') };
}

/** Null: only the general reader can tell. */
function packedTokens(bytes: Uint8Array, { metadata }: OpenPart): TokenColumn | null {
  const [group, ...others] = metadata.row_groups;
  const data = group?.columns.find((column) => column.meta_data?.path_in_schema[0] === 'token_times_us')?.meta_data;
  return data === undefined || others.length > 0 ? null : readTokenColumn(bytes, data);
}

/** Name of the column `client_stalled` in parts of runs before 0.2; the oldest end without it. */
const STALLED_BEFORE_0_2 = 'touched';
/** The last columns, which older parts end without; values that are not there are null. */
const ADDED_LATER: ReadonlySet<string> = new Set([
  'client_stalled',
  'hidden_tokens',
  'output_tokens_reported',
  'lumped_tokens',
  'held_us',
  'prefill_call_us',
  'handover_us',
  'first_decode_us',
  'planned_us',
]);

/** The columns of a part by name, those that it ends without, and those without a value, left out. */
interface Columns {
  /** Of each column. */
  readonly records: number;
  readonly of: ReadonlyMap<string, ArrayLike<unknown>>;
}

interface OpenPart {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  /** Nothing more is read. */
  close(): void;
}

/** The input of hyparquet, once the columns are known to be those of a record. */
function open(bytes: Uint8Array): OpenPart {
  const buffer = new Uint8Array(bytes).buffer;
  const metadata = parquetMetadata(buffer);
  // The first is the root, which is no column.
  for (const [i, wanted] of SCHEMA.slice(1).entries()) {
    const found = metadata.schema[i + 1];
    if (found === undefined && ADDED_LATER.has(wanted.name)) continue;
    const isStalled = wanted.name === 'client_stalled' && found?.name === STALLED_BEFORE_0_2;
    if (isStalled && found.type === wanted.type) continue;
    if (found?.name !== wanted.name || found.type !== wanted.type)
      throw new Error(
        `column "${found?.name ?? 'none'}" of type ${found?.type ?? 'group'} where "${wanted.name}" of type ${wanted.type ?? 'group'} belongs`,
      );
  }
  // Each column is read from a copy of its own.
  const copies = [new Uint8Array(buffer)];
  const slice = (from: number, to?: number): ArrayBuffer => {
    const copy = buffer.slice(from, to);
    copies.push(new Uint8Array(copy));
    return copy;
  };
  return { metadata, file: { byteLength: buffer.byteLength, slice }, close: () => release(...copies) };
}

async function readColumns(part: OpenPart, names: readonly string[]): Promise<Columns> {
  const pages = new Map<string, ArrayLike<unknown>[]>();
  await parquetRead({
    ...part,
    columns: [...names],
    onChunk: ({ columnName, columnData }) => {
      const own = pages.get(columnName);
      if (own === undefined) pages.set(columnName, [columnData]);
      else own.push(columnData);
    },
  });
  const columns = new Map([...pages].map(([name, of]) => [name, joined(of)] as const));
  const records = columns.get('request_id')?.length ?? 0;
  for (const [name, column] of columns)
    if (column.length !== records) throw new Error(`column "${name}": ${column.length} values for ${records} records`);
  return { records, of: columns };
}

/** The names of the columns that have a value. */
function namesWithValues({ metadata }: OpenPart): string[] {
  const isEmpty = (name: string, { statistics, num_values }: ColumnMetaData): boolean =>
    SCHEMA.some((column) => column.name === name && column.repetition_type === 'OPTIONAL') &&
    statistics?.null_count === num_values;
  const found = metadata.row_groups.flatMap(({ columns }) =>
    columns.flatMap(({ meta_data: data }) => {
      const name = data?.path_in_schema[0];
      return data === undefined || name === undefined || isEmpty(name, data) ? [] : [name];
    }),
  );
  return [...new Set(found)];
}

function joined([first = [], ...others]: readonly ArrayLike<unknown>[]): ArrayLike<unknown> {
  return others.length === 0 ? first : [first, ...others].flatMap((page) => Array.from(page));
}

/** From a value of hyparquet; throws an Error that names the column where it is not as it has to be. */
type ReadValue<T> = (value: unknown, name: string) => T;

function required<T>(columns: Columns, name: keyof RequestRecord, read: ReadValue<T>): T[] {
  return Array.from(valuesOf(columns, name), (value) => read(value, name));
}

/** Of a column that may not be null. */
function valuesOf({ of, records }: Columns, name: keyof RequestRecord): ArrayLike<unknown> {
  const column = of.get(name) ?? [];
  if (column.length !== records) throw new Error(`column "${name}": no values`);
  return column;
}

function optional<T>(columns: Columns, name: keyof RequestRecord, read: ReadValue<T>): (T | null)[] {
  const found =
    name === 'client_stalled' ? (columns.of.get(name) ?? columns.of.get(STALLED_BEFORE_0_2)) : columns.of.get(name);
  return Array.from(found ?? [], (value) => (value === null || value === undefined ? null : read(value, name)));
}

/** NaN where there is none, which only a column that may be null allows. */
function wholeNumbers(columns: Columns, name: keyof RequestRecord): Float64Array<ArrayBuffer> {
  const isNullable = RECORD_COLUMNS[name][1];
  const column = isNullable ? (columns.of.get(name) ?? []) : valuesOf(columns, name);
  const numbers = new Float64Array(column.length);
  for (let i = 0; i < numbers.length; i++) {
    const value = column[i];
    numbers[i] = isNullable && (value === null || value === undefined) ? Number.NaN : wholeNumber(value, name);
  }
  return numbers;
}

/** Token times as lists of whole numbers, of parts that `readTokenColumn` does not know. */
function tokensOfLists(columns: Columns): TokenColumn {
  const name = 'token_times_us';
  const lists = Array.from(valuesOf(columns, name), (list) => listOf(list, name));
  const times = new Float64Array(lists.reduce((total, { length }) => total + length, 0));
  let filled = 0;
  const ends = Uint32Array.from(lists, (list) => {
    for (const time of list) times[filled++] = wholeNumber(time, name);
    return filled;
  });
  return { times, ends };
}

function at<T>(column: ArrayLike<T>, row: number): T {
  const value = column[row];
  if (value === undefined) throw new RangeError(`no row ${row}`);
  return value;
}

function orNull(numbers: Float64Array, row: number): number | null {
  const value = numbers[row];
  return value === undefined || Number.isNaN(value) ? null : value;
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`column "${name}": a text expected, got ${String(value)}`);
}

function flag(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new Error(`column "${name}": true or false expected, got ${String(value)}`);
}

function oneOf<T extends string>(known: readonly T[]): ReadValue<T> {
  const values = new Map<unknown, T>(known.map((one) => [one, one]));
  return (value, name) => {
    const found = values.get(value);
    if (found === undefined) throw new Error(`column "${name}": "${String(value)}" is none of ${known.join(', ')}`);
    return found;
  };
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`column "${name}": a list expected, got ${String(value)}`);
}

/** A whole number of a column; throws an Error that names the column where it is none. */
export function wholeNumber(value: unknown, name: string): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw new Error(`column "${name}": a whole number expected, got ${String(value)}`);
}
