import { NOTHING_KNOWN, type Outcome, type RecordBatch, type RequestRecord } from '../core/record.ts';
import type { Imported } from '../schema/manifest.ts';

/** One run of a result file of another tool. */
export interface ImportedRun {
  /** Name of the tool, for people. */
  readonly tool: string;
  /** Null: the file does not say. */
  readonly version: string | null;
  /** What tells this run from the others of its file: `constant, 4 requests/s, 120 requests`. */
  readonly title: string;
  /** URL of the server, or what is known of it. */
  readonly target: string;
  /** Which kind of endpoint was asked, as the tool names it. */
  readonly endpoint: string;
  readonly model: string | null;
  /** ISO 8601 in UTC; null: the file does not say. */
  readonly startedAt: string | null;
  readonly starts: Imported['starts'];
  /** Of the benchmark, as the tool has it. */
  readonly durationS: number | null;
  /** Cap on the requests in flight, where the file says how long each request waited for a place; else null. */
  readonly maxInFlight: number | null;
  /** Why the benchmark ended before its requests did; null if it did not. */
  readonly stopped: string | null;
  readonly notes: readonly string[];
  readonly requests: number;
  /** Reads the records from the start; may be called again. */
  readonly records: () => AsyncIterable<RecordBatch>;
}

const BATCH = 1000;

/** The records of a run in batches, each with an id of its own: tools that send a request again keep its id. */
export async function* inBatches(
  records: AsyncIterable<RequestRecord> | Iterable<RequestRecord>,
): AsyncGenerator<RecordBatch> {
  let batch: RequestRecord[] = [];
  const ids = new Set<string>();
  for await (const record of records) {
    const id = ids.has(record.request_id) ? `${record.request_id}-${record.trace_row}` : record.request_id;
    ids.add(id);
    batch.push(id === record.request_id ? record : { ...record, request_id: id });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

/** What a tool knows of a request; all times are microseconds from the run's start, tokens from the due time. */
export interface ImportedRequest {
  readonly id: string;
  /** Line or index in the file, from 1. */
  readonly row: number;
  readonly dueUs: number;
  readonly outcome: Outcome;
  readonly tokens: PlacedTokens;
  readonly known: Partial<RequestRecord>;
}

/** Token times of a request, and how they are known. */
export type PlacedTokens = Pick<RequestRecord, 'token_times_us' | 'token_time_source' | 'token_count_source'>;

/** A record that has nothing but what the tool knows. */
export function importedRecord({ id, row, dueUs, outcome, tokens, known }: ImportedRequest): RequestRecord {
  const firstUs = tokens.token_times_us[0];
  return {
    ...NOTHING_KNOWN,
    request_id: id,
    turn: 0,
    trace_row: row,
    measured: true,
    due_us: dueUs,
    outcome,
    worker: 0,
    ...known,
    ...tokens,
    first_token_us: firstUs === undefined ? null : dueUs + firstUs,
  };
}
