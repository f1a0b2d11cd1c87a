/** How a request ended; every request has exactly one outcome. */
export const OUTCOMES = [
  'ok',
  'rejected',
  'http_error',
  'connect_error',
  'timeout',
  'stream_broken',
  'protocol_error',
  'cancelled',
  'cut',
  'unsent',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Statuses with which a server rejects a request that it understood; any other error status is an HTTP error. */
const REJECTED: ReadonlySet<number> = new Set([400, 413, 422, 429, 503]);

/** The outcome of a request that was answered with an HTTP error. */
export function outcomeOfStatus(status: number): 'rejected' | 'http_error' {
  return REJECTED.has(status) ? 'rejected' : 'http_error';
}

/** How the number of tokens in a chunk is known. */
export const TOKEN_COUNT_SOURCES = ['token_ids', 'usage', 'tokenizer', 'chunks'] as const;
export type TokenCountSource = (typeof TOKEN_COUNT_SOURCES)[number];

/**
 * How token times are known: read by the client; told by the server; or `spread`: only the first, the last and how many
 * there were are known, and those between are put evenly between them, so that no gap between two of them is known.
 */
export const TOKEN_TIME_SOURCES = ['client', 'server', 'spread'] as const;
type TokenTimeSource = (typeof TOKEN_TIME_SOURCES)[number];

/** Time of a request in each phase on the server, where the target reports it; microseconds. */
export interface Phases {
  readonly prefill_queue_us: number | null;
  readonly prefill_us: number | null;
  readonly transfer_us: number | null;
  readonly decode_queue_us: number | null;
  readonly decode_us: number | null;
}

/**
 * What the client sees of a request whose prefill and decode it calls itself, microseconds: they add up to the time from
 * sent to the first token, or as far as the request came.
 */
export interface HandoverTimes {
  /** From sent to the end of the prefill server's reply, or to the first token where that came before. */
  readonly prefill_call_us: number | null;
  /** From there until the decode server has its call; 0 where it had it from the start. */
  readonly handover_us: number | null;
  /** From there to the first token of the decode server. */
  readonly first_decode_us: number | null;
}

/**
 * The record of one request: a row of `requests/part-*.parquet`, with the contract's column names. Times are whole
 * microseconds on one monotonic clock from the run's start, token times from `due_us`.
 */
export interface RequestRecord extends Phases, HandoverTimes {
  readonly request_id: string;
  readonly session_id: string | null;
  readonly turn: number;
  readonly trace_row: number;
  readonly slo_class: string | null;
  readonly model: string | null;
  readonly target: string | null;
  readonly measured: boolean;
  readonly due_us: number;
  readonly sent_us: number | null;
  readonly connect_us: number | null;
  readonly first_token_us: number | null;
  readonly end_us: number | null;
  readonly input_tokens_planned: number | null;
  readonly input_tokens: number | null;
  readonly cached_tokens: number | null;
  readonly output_tokens_planned: number | null;
  readonly output_tokens: number | null;
  readonly reasoning_tokens: number | null;
  /** One entry per token, from `due_us`, never decreasing; tokens of one chunk share a time. */
  readonly token_times_us: Float64Array;
  readonly token_count_source: TokenCountSource | null;
  readonly token_time_source: TokenTimeSource | null;
  readonly outcome: Outcome;
  readonly http_status: number | null;
  readonly error: string | null;
  readonly finish_reason: string | null;
  readonly worker: number;
  /** Whether the client stalled while this request was in flight, or sent it late; null where that is not known. */
  readonly client_stalled: boolean | null;
  /** Output tokens that the server counted and never sent, such as reasoning that it hides; they have no times. */
  readonly hidden_tokens: number | null;
  /** The server's own last count, where it is not the sum of `output_tokens` and `hidden_tokens`; else null. */
  readonly output_tokens_reported: number | null;
  /** Tokens of events that came three or more at once; null where nothing lies between the target and the client. */
  readonly lumped_tokens: number | null;
  /**
   * How long the request waited for a place in flight (`--max-in-flight`), from its due time; 0 where it did not wait.
   * Of a request that was not sent: until the run stopped. Null without a cap, and where the run stopped before it was
   * due.
   */
  readonly held_us: number | null;
  /**
   * When the trace has it due, where a run with think times decides otherwise: `due_us` less this is what its
   * predecessors pushed it back, negative where they were faster. Null: `due_us` is the trace's.
   */
  readonly planned_us: number | null;
}

/** Every field that may be null, being null: what is not known of a request. */
export const NOTHING_KNOWN = {
  session_id: null,
  slo_class: null,
  model: null,
  target: null,
  sent_us: null,
  connect_us: null,
  first_token_us: null,
  end_us: null,
  input_tokens_planned: null,
  input_tokens: null,
  cached_tokens: null,
  output_tokens_planned: null,
  output_tokens: null,
  reasoning_tokens: null,
  token_count_source: null,
  token_time_source: null,
  http_status: null,
  error: null,
  finish_reason: null,
  prefill_queue_us: null,
  prefill_us: null,
  transfer_us: null,
  decode_queue_us: null,
  decode_us: null,
  client_stalled: null,
  hidden_tokens: null,
  output_tokens_reported: null,
  lumped_tokens: null,
  held_us: null,
  planned_us: null,
  prefill_call_us: null,
  handover_us: null,
  first_decode_us: null,
} as const satisfies { readonly [K in keyof RequestRecord as null extends RequestRecord[K] ? K : never]: null };

/** Records travel in batches, so that no process has to hold a whole run. */
export type RecordBatch = readonly RequestRecord[];

/** Takes a run's records while it runs; both return at once. */
export interface RecordSink {
  /** Requests just sent, each as the record that stands if the run is killed now (outcome `cut`). */
  sent(batch: RecordBatch): void;
  /** Requests that have ended; each record replaces the one that `sent` gave. */
  finished(batch: RecordBatch): void;
}

/** Writes a run's records while it runs, in a thread of its own where requests are timed. */
export interface RecordStore extends RecordSink {
  /** Aborts with the first error of writing, such as a full disk: nothing more is written. */
  readonly failed: AbortSignal;
  /** Resolves when everything is on disk; rejects with the first error of writing. */
  close(): Promise<void>;
}

/**
 * A request sent later than this counts as delayed by the client; a client that sends 1 % of them so late fell behind.
 */
export const MAX_LATENESS_MS = 10;

/** Events within this time of the first of them came together, as a lump: it may take a client a few reads. */
export const LUMP_US = 250;

/**
 * Time from a request's due time until it left the client, in microseconds, as far as it is the client's doing:
 * connecting counts as the server's and the network's time, and the wait for a place in flight is what was asked for.
 */
export function latenessUs({
  due_us,
  sent_us,
  connect_us,
  held_us,
}: Pick<RequestRecord, 'due_us' | 'sent_us' | 'connect_us' | 'held_us'>): number | null {
  return sent_us === null ? null : Math.max(0, sent_us - due_us - (held_us ?? 0) - (connect_us ?? 0));
}

export type ColumnType = 'string' | 'int32' | 'int64' | 'bool' | 'int64_list';

/** The columns in file order, with their Parquet type and whether they may be null. */
export const RECORD_COLUMNS: { readonly [K in keyof RequestRecord]: readonly [type: ColumnType, nullable: boolean] } = {
  request_id: ['string', false],
  session_id: ['string', true],
  turn: ['int32', false],
  trace_row: ['int64', false],
  slo_class: ['string', true],
  model: ['string', true],
  target: ['string', true],
  measured: ['bool', false],
  due_us: ['int64', false],
  sent_us: ['int64', true],
  connect_us: ['int64', true],
  first_token_us: ['int64', true],
  end_us: ['int64', true],
  input_tokens_planned: ['int32', true],
  input_tokens: ['int32', true],
  cached_tokens: ['int32', true],
  output_tokens_planned: ['int32', true],
  output_tokens: ['int32', true],
  reasoning_tokens: ['int32', true],
  token_times_us: ['int64_list', false],
  token_count_source: ['string', true],
  token_time_source: ['string', true],
  outcome: ['string', false],
  http_status: ['int32', true],
  error: ['string', true],
  finish_reason: ['string', true],
  prefill_queue_us: ['int64', true],
  prefill_us: ['int64', true],
  transfer_us: ['int64', true],
  decode_queue_us: ['int64', true],
  decode_us: ['int64', true],
  worker: ['int32', false],
  client_stalled: ['bool', true],
  hidden_tokens: ['int32', true],
  output_tokens_reported: ['int32', true],
  lumped_tokens: ['int32', true],
  held_us: ['int64', true],
  prefill_call_us: ['int64', true],
  handover_us: ['int64', true],
  first_decode_us: ['int64', true],
  planned_us: ['int64', true],
};

/** The column names, in file order. */
export const COLUMN_NAMES: readonly (keyof RequestRecord)[] = Object.keys(RECORD_COLUMNS).filter(
  (name): name is keyof RequestRecord => Object.hasOwn(RECORD_COLUMNS, name),
);
