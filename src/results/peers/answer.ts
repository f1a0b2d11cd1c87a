import type { RequestRecord } from '../../core/record.ts';
import { hasKnownGaps, isAnswered } from '../../metrics/request-latency.ts';

/**
 * A request as the clients of other tools time it: they start when they send, connecting included, and not when it is
 * due. Times in microseconds from that start.
 */
export interface Answer {
  /** Of the run's clock. */
  readonly startUs: number;
  readonly firstUs: number;
  readonly lastUs: number;
  /** Last byte. */
  readonly endUs: number;
  /** Tokens that came. */
  readonly tokens: number;
  /** As the server counted; null where it does not count, and tokens are one a chunk. */
  readonly countedTokens: number | null;
  readonly askedTokens: number | null;
  readonly chunks: Chunks;
  /** Whether it is known when each chunk came, not only the first and the last. */
  readonly hasGaps: boolean;
}

/**
 * The chunks of a response that held tokens. Records keep no chunk without a token, and chunks that came in one read share
 * a time: they are one here, unless tokens were counted as one a chunk.
 */
export interface Chunks {
  readonly timesUs: Float64Array;
  readonly tokens: Uint32Array;
}

/** The request as it was answered; null where it failed. */
export function answerOf(record: RequestRecord): Answer | null {
  if (!isAnswered(record)) return null;
  const startUs = startOf(record);
  const chunks = chunksOf(record);
  const [firstUs, lastUs] = [chunks.timesUs[0] ?? 0, chunks.timesUs.at(-1) ?? 0];
  return {
    startUs,
    firstUs,
    lastUs,
    endUs: record.end_us === null ? lastUs : record.end_us - startUs,
    tokens: record.token_times_us.length,
    countedTokens: countedTokens(record),
    askedTokens: record.output_tokens_planned,
    chunks,
    hasGaps: hasKnownGaps(record),
  };
}

/** When a client that times connecting would have started the request; its due time where it was never sent. */
export function startOf({ sent_us, connect_us, due_us }: RequestRecord): number {
  return sent_us === null ? due_us : Math.max(due_us, sent_us - (connect_us ?? 0));
}

/** Of any request, answered or not. */
export function chunksOf(record: RequestRecord): Chunks {
  const fromUs = startOf(record) - record.due_us;
  const times = record.token_times_us;
  const timesUs = new Float64Array(times.length);
  const tokens = new Uint32Array(times.length);
  const isOneEach = record.token_count_source === 'chunks';
  let chunk = -1;
  for (let i = 0; i < times.length; i++) {
    if (i === 0 || isOneEach || times[i] !== times[i - 1]) timesUs[++chunk] = (times[i] ?? 0) - fromUs;
    tokens[chunk] = (tokens[chunk] ?? 0) + 1;
  }
  return { timesUs: timesUs.subarray(0, chunk + 1), tokens: tokens.subarray(0, chunk + 1) };
}

/** What the server said of its output: with what it never sent. */
function countedTokens(record: RequestRecord): number | null {
  if (record.output_tokens_reported !== null) return record.output_tokens_reported;
  if (record.token_count_source === null || record.token_count_source === 'chunks') return null;
  return record.token_times_us.length + (record.hidden_tokens ?? 0);
}

/** Input tokens as the server counted them, else as they were planned. */
export function inputTokensOf({ input_tokens, input_tokens_planned }: RequestRecord): number | null {
  return input_tokens ?? input_tokens_planned;
}
