import { createHash } from 'node:crypto';
import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import type { RecordBatch, RequestRecord } from '../../core/record.ts';
import { countText } from '../../core/words.ts';
import { aside, checked, duration, listOf, tokenCount } from '../checked.ts';
import { failureOf } from '../failures.ts';
import { importedRecord, inBatches, type PlacedTokens } from '../imported-run.ts';
import { NO_TOKENS } from '../token-times.ts';

/** Seconds on a clock of any origin. */
const clockTime = z.number('expected a number').min(-1e12, 'expected seconds').max(1e12, 'expected seconds');

/**
 * A run as vLLM's and SGLang's benchmarks keep it: a list for each field, entry i of each of request i, in the order in
 * which requests were sent. Times are seconds, `start_times` on a clock of their own.
 */
const FIELDS = {
  input_lens: listOf(tokenCount.nullable()),
  output_lens: listOf(tokenCount.nullable()),
  ttfts: listOf(duration.nullable()),
  itls: listOf(listOf(duration).nullable()),
  errors: listOf(z.string().nullable()).optional(),
  start_times: listOf(clockTime.nullable()).optional(),
  latencies: listOf(duration.nullable()).optional(),
  queue_times: listOf(clockTime.nullable()).optional(),
  cached_tokens: listOf(tokenCount.nullable()).optional(),
};
const LISTS = Object.keys(FIELDS);

/** `inf` where requests were not paced; `trace` where they had times of their own. */
const rate = z.union([z.literal(['inf', 'trace']), z.number(), z.literal(Infinity)]).nullish();

export const requestLists = z.object({
  ...FIELDS,
  duration: duration.nullish(),
  backend: aside(z.string()),
  request_rate: rate,
  completed: aside(z.int()),
  max_concurrency: z.int().nullish(),
});
export type RequestLists = z.infer<typeof requestLists>;

/**
 * A run by a tool's schema. Throws a UserError that names `where`, the key and value; also where lists are not of one
 * length, as some of the file is missing, and where they are empty.
 */
export function readLists<Run extends RequestLists>(
  schema: z.ZodType<Run>,
  json: unknown,
  where: string,
  tool: string,
): Run {
  const lists = checked(schema, json, where, tool);
  const requests = lists.input_lens.length;
  for (const [name, list] of Object.entries(lists))
    if (LISTS.includes(name) && Array.isArray(list) && list.length !== requests)
      throw new UserError(
        `${where}: ${name} has ${countText(list.length, 'entry').replace('entrys', 'entries')} and input_lens ${requests}: expected one a request in each; give the file as it was written`,
      );
  if (requests === 0) throw new UserError(`${where}: no request in it: input_lens is empty; run the benchmark again`);
  return lists;
}

/** The rate that requests were to be sent at, a second; null: they were not paced by a rate. */
export function pacedRate({ request_rate }: RequestLists): number | null {
  return typeof request_rate === 'number' && Number.isFinite(request_rate) && request_rate > 0 ? request_rate : null;
}

/** `openai-chat, 4 requests/s, at most 64 in flight, 120 requests`. */
export function titleOf(lists: RequestLists): string {
  const paced = pacedRate(lists);
  const pace =
    paced === null ? (lists.request_rate === 'trace' ? 'times of a trace' : 'unpaced') : `${paced} requests/s`;
  return [
    ...(lists.backend === null || lists.backend === undefined ? [] : [lists.backend]),
    pace,
    ...(hasCap(lists) ? [`at most ${lists.max_concurrency} in flight`] : []),
    countText(lists.input_lens.length, 'request'),
  ].join(', ');
}

export function hasCap({ max_concurrency: cap }: RequestLists): boolean {
  return cap !== null && cap !== undefined && cap > 0;
}

/**
 * Whether request i was answered. A failure may have an empty text, an answer no token: where as many are without an error
 * as the tool completed, these were; else those with tokens, or a first one.
 */
export function answersOf({ errors, output_lens, ttfts, completed }: RequestLists): (i: number) => boolean {
  const hasNoError = (i: number): boolean => (errors?.[i] ?? '') === '';
  const withoutError = output_lens.filter((_, i) => hasNoError(i)).length;
  if (completed === withoutError) return hasNoError;
  return (i) => hasNoError(i) && ((output_lens[i] ?? 0) > 0 || (ttfts[i] ?? 0) > 0);
}

/** How a tool's lists become records. */
export interface ListReading {
  readonly tool: string;
  readonly isAnswered: (i: number) => boolean;
  /** When request i was due, and sent, in seconds on one clock. */
  readonly dueS: (i: number) => number;
  readonly sentS: (i: number) => number;
  /** How long it waited for a place in flight; null: not known. */
  readonly heldS: (i: number) => number | null;
  /** The tokens of request i, whose times count from sending by `waitUs` less than from its due time. */
  readonly tokens: (i: number, waitUs: number) => PlacedTokens;
}

export function recordsOf(lists: RequestLists, reading: ListReading): AsyncGenerator<RecordBatch> {
  let zeroS = Infinity;
  for (let i = 0; i < lists.input_lens.length; i++) zeroS = Math.min(zeroS, reading.dueS(i));
  const of = { zeroS, load: loadOf(reading.tool, lists) };
  return inBatches(each());
  function* each(): Generator<RequestRecord> {
    for (let i = 0; i < lists.input_lens.length; i++) yield recordOf(lists, i, of, reading);
  }
}

/**
 * Tells one load from another: a file has no ids, and its request i is that of another file where all prompts are as long.
 */
function loadOf(tool: string, { input_lens }: RequestLists): string {
  return createHash('sha256').update(`${tool} ${input_lens.join()}`).digest('hex').slice(0, 6);
}

function recordOf(
  lists: RequestLists,
  i: number,
  { zeroS, load }: { readonly zeroS: number; readonly load: string },
  reading: ListReading,
): RequestRecord {
  const dueUs = us(reading.dueS(i) - zeroS);
  const sentUs = Math.max(dueUs, us(reading.sentS(i) - zeroS));
  const heldS = reading.heldS(i);
  const answered = reading.isAnswered(i);
  const tokens = (lists.ttfts[i] ?? 0) > 0 || answered ? reading.tokens(i, sentUs - dueUs) : NO_TOKENS;
  const lastUs = tokens.token_times_us.at(-1);
  const latencyS = lists.latencies?.[i] ?? 0;
  // The latency ends with the last token, up to rounding.
  const ends = [...(latencyS > 0 ? [sentUs + us(latencyS)] : []), ...(lastUs === undefined ? [] : [dueUs + lastUs])];
  return importedRecord({
    id: `r${i}-${load}`,
    row: i + 1,
    dueUs,
    outcome: 'ok',
    tokens,
    known: {
      sent_us: sentUs,
      end_us: ends.length === 0 ? null : Math.max(...ends),
      held_us: heldS === null ? null : us(heldS),
      input_tokens: lists.input_lens[i] ?? null,
      cached_tokens: lists.cached_tokens?.[i] ?? null,
      output_tokens: answered ? (lists.output_lens[i] ?? null) : tokens.token_times_us.length,
      ...(answered ? {} : failureOf(lists.errors?.[i] ?? '')),
    },
  });
}

export function us(seconds: number): number {
  return Math.round(seconds * 1e6);
}
