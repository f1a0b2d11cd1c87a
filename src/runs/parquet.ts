import { parquetMetadata, parquetReadObjects, type SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, parquetWrite } from 'hyparquet-writer';
import {
  type ColumnType,
  OUTCOMES,
  COLUMN_NAMES,
  RECORD_COLUMNS,
  type RecordBatch,
  type RequestRecord,
  TOKEN_COUNT_SOURCES,
  TOKEN_TIME_SOURCES,
} from '../core/record.ts';

/**
 * One part: records as a Parquet file of one row group, columns and types as in RECORD_COLUMNS.
 *
 * Token times are delta-packed and not compressed again. Measured on 98,000 times with gaps of 20-35 ms: 0.15 us
 * and 2.6 bytes a token to write, 0.09 us to read; PLAIN takes 8.0 bytes, PLAIN with Snappy 0.29 us and 5.3 bytes,
 * and Snappy after delta packing saves nothing.
 */
export function encodeRecords(records: RecordBatch): Uint8Array {
  const writer = new ByteWriter();
  const options = { schema: SCHEMA, rowGroupSize: Math.max(1, records.length), createdBy: 'reprise' };
  // To memory it is written at once.
  void parquetWrite({ ...options, writer, columnData: COLUMNS.map(([name, type]) => column(records, name, type)) });
  return writer.getBytes();
}

/** The records of a part. Throws an Error that names the reason if the part is damaged, or none. */
export async function decodeRecords(bytes: Uint8Array): Promise<RequestRecord[]> {
  const rows: Record<string, unknown>[] = await parquetReadObjects(checked(bytes));
  const lists = rows.map((row) => listOf(row, 'token_times_us'));
  // One array a part: thousands of small ones, freed in another thread, leave holes in the memory of the process.
  const times = new Float64Array(lists.reduce((total, { length }) => total + length, 0));
  let from = 0;
  return rows.map((row, i) => {
    const own = times.subarray(from, (from += lists[i]?.length ?? 0));
    return record(row, asNumbers(lists[i] ?? [], own));
  });
}

/** The `request_id` column alone. */
export async function decodeIds(bytes: Uint8Array): Promise<string[]> {
  const rows: Record<string, unknown>[] = await parquetReadObjects({ ...checked(bytes), columns: ['request_id'] });
  return rows.map((row) => text(row, 'request_id'));
}

/** What puts the records of a part in order. */
export type DueKey = Pick<RequestRecord, 'request_id' | 'due_us'>;

export async function decodeDueKeys(bytes: Uint8Array): Promise<DueKey[]> {
  const rows: Record<string, unknown>[] = await parquetReadObjects({
    ...checked(bytes),
    columns: ['request_id', 'due_us'],
  });
  return rows.map((row) => ({ request_id: text(row, 'request_id'), due_us: integer(row, 'due_us') }));
}

const COLUMNS = COLUMN_NAMES.map((name) => [name, ...RECORD_COLUMNS[name]] as const);

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: COLUMNS.length },
  ...COLUMNS.flatMap(([name, type, nullable]) => elements(name, type, nullable ? 'OPTIONAL' : 'REQUIRED')),
];

function elements(name: string, type: ColumnType, repetition_type: 'OPTIONAL' | 'REQUIRED'): SchemaElement[] {
  switch (type) {
    case 'string':
      return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type }];
    case 'int32':
      return [{ name, type: 'INT32', repetition_type }];
    case 'int64':
      return [{ name, type: 'INT64', repetition_type }];
    case 'bool':
      return [{ name, type: 'BOOLEAN', repetition_type }];
    case 'int64_list':
      return [
        { name, converted_type: 'LIST', num_children: 1, repetition_type },
        { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
        { name: 'element', type: 'INT64', repetition_type: 'REQUIRED' },
      ];
  }
}

function column(records: RecordBatch, name: keyof RequestRecord, type: ColumnType): ColumnSource {
  switch (type) {
    case 'int64_list':
      // As numbers, not BigInts: hyparquet-writer packs those that fit 32 bits twice as fast.
      return {
        name,
        data: records.map((row) => numbers(row.token_times_us)),
        encoding: 'DELTA_BINARY_PACKED',
        codec: 'UNCOMPRESSED',
        statistics: false,
        offsetIndex: false,
      };
    case 'int64':
      return { name, data: records.map((row) => bigint(row[name])) };
    default:
      return { name, data: records.map((row) => row[name]) };
  }
}

/** In a loop: `Array.from` goes by way of an iterator, which takes several times as long. */
function numbers(us: Float64Array): number[] {
  const list: number[] = [];
  for (let i = 0; i < us.length; i++) list.push(us[i] ?? Number.NaN);
  return list;
}

function bigint(value: RequestRecord[keyof RequestRecord]): bigint | null {
  return typeof value === 'number' ? BigInt(value) : null;
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

/** The input of hyparquet, once the columns are known to be those of a record. */
function checked(bytes: Uint8Array) {
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
  return { metadata, file: { byteLength: buffer.byteLength, slice: buffer.slice.bind(buffer) } };
}

/** A row as hyparquet reads it. */
export type Row = Readonly<Record<string, unknown>>;

function record(row: Row, token_times_us: Float64Array): RequestRecord {
  return {
    request_id: text(row, 'request_id'),
    session_id: orNull(text, row, 'session_id'),
    turn: integer(row, 'turn'),
    trace_row: integer(row, 'trace_row'),
    slo_class: orNull(text, row, 'slo_class'),
    model: orNull(text, row, 'model'),
    target: orNull(text, row, 'target'),
    measured: row['measured'] === true,
    due_us: integer(row, 'due_us'),
    sent_us: orNull(integer, row, 'sent_us'),
    connect_us: orNull(integer, row, 'connect_us'),
    first_token_us: orNull(integer, row, 'first_token_us'),
    end_us: orNull(integer, row, 'end_us'),
    input_tokens_planned: orNull(integer, row, 'input_tokens_planned'),
    input_tokens: orNull(integer, row, 'input_tokens'),
    cached_tokens: orNull(integer, row, 'cached_tokens'),
    output_tokens_planned: orNull(integer, row, 'output_tokens_planned'),
    output_tokens: orNull(integer, row, 'output_tokens'),
    reasoning_tokens: orNull(integer, row, 'reasoning_tokens'),
    token_times_us,
    token_count_source: orNull(oneOf(TOKEN_COUNT_SOURCES), row, 'token_count_source'),
    token_time_source: orNull(oneOf(TOKEN_TIME_SOURCES), row, 'token_time_source'),
    outcome: oneOf(OUTCOMES)(row, 'outcome'),
    http_status: orNull(integer, row, 'http_status'),
    error: orNull(text, row, 'error'),
    finish_reason: orNull(text, row, 'finish_reason'),
    prefill_queue_us: orNull(integer, row, 'prefill_queue_us'),
    prefill_us: orNull(integer, row, 'prefill_us'),
    transfer_us: orNull(integer, row, 'transfer_us'),
    decode_queue_us: orNull(integer, row, 'decode_queue_us'),
    decode_us: orNull(integer, row, 'decode_us'),
    worker: integer(row, 'worker'),
    client_stalled: orNull(bool, row, 'client_stalled' in row ? 'client_stalled' : STALLED_BEFORE_0_2),
    hidden_tokens: orNull(integer, row, 'hidden_tokens'),
    output_tokens_reported: orNull(integer, row, 'output_tokens_reported'),
    lumped_tokens: orNull(integer, row, 'lumped_tokens'),
    held_us: orNull(integer, row, 'held_us'),
    prefill_call_us: orNull(integer, row, 'prefill_call_us'),
    handover_us: orNull(integer, row, 'handover_us'),
    first_decode_us: orNull(integer, row, 'first_decode_us'),
    planned_us: orNull(integer, row, 'planned_us'),
  };
}

export function orNull<T>(read: (row: Row, name: string) => T, row: Row, name: string): T | null {
  const value = row[name];
  return value === null || value === undefined ? null : read(row, name);
}

function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value === 'string') return value;
  throw new Error(`column "${name}": a text expected, got ${String(value)}`);
}

/** A whole number of a column; throws an Error that names the column where it is none. */
export function integer(row: Row, name: string): number {
  const value = row[name];
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw new Error(`column "${name}": a whole number expected, got ${String(value)}`);
}

function bool(row: Row, name: string): boolean {
  const value = row[name];
  if (typeof value === 'boolean') return value;
  throw new Error(`column "${name}": true or false expected, got ${String(value)}`);
}

function oneOf<T extends string>(known: readonly T[]): (row: Row, name: string) => T {
  return (row, name) => {
    const value = row[name];
    const found = known.find((one) => one === value);
    if (found === undefined) throw new Error(`column "${name}": "${String(value)}" is none of ${known.join(', ')}`);
    return found;
  };
}

function listOf(row: Row, name: string): readonly unknown[] {
  const value = row[name];
  if (Array.isArray(value)) return value;
  throw new Error(`column "${name}": a list expected, got ${String(value)}`);
}

/** In a loop for the same reason as in `numbers`. */
function asNumbers(values: readonly unknown[], into: Float64Array): Float64Array {
  for (let i = 0; i < values.length; i++) into[i] = Number(values[i]);
  return into;
}
