import { UserError } from '../../core/errors.ts';
import type { Outcome, RequestRecord, TokenCountSource } from '../../core/record.ts';
import { withoutQueryValues } from '../../core/secrets.ts';
import { countText } from '../../core/words.ts';
import { checked } from '../checked.ts';
import { failureOf } from '../failures.ts';
import { isoTime } from '../instants.ts';
import { importedRecord, inBatches, type ImportedRun, type PlacedTokens } from '../imported-run.ts';
import { chunkTimes, NO_TOKENS, spreadTokens, tokensInChunks } from '../token-times.ts';
import { aiperfLine, aiperfSummary, US_PER, type AiperfLine } from './aiperf-line.ts';

const TOOL = 'AIPerf';

/** A credit is issued when a request is due, some milliseconds before; more than this is another clock. */
const MAX_WAIT_NS = 3600e9;

export interface AiperfFiles {
  /** The lines of `profile_export.jsonl`, each parsed, from the start; may be called again. */
  readonly lines: () => AsyncIterable<{ readonly json: unknown; readonly where: string; readonly number: number }>;
  /** `profile_export_aiperf.json` and what it is called; null: there is none beside the records. */
  readonly summary: { readonly json: unknown; readonly where: string } | null;
  readonly where: string;
}

/**
 * A run of AIPerf, from the records of its requests. Reads the lines twice, and keeps none. Throws a UserError that names
 * the line, the key and value.
 */
export async function readAiperf({ lines, summary, where }: AiperfFiles): Promise<ImportedRun> {
  const about = summary === null ? {} : checked(aiperfSummary, summary.json, summary.where, TOOL);
  const seen = await survey(lines);
  if (seen.requests === 0)
    throw new UserError(`${where}: no request in it; run AIPerf again, with its export level at records (the default)`);
  const { benchmark_duration: duration, input_config } = about;
  const { endpoint, models } = input_config ?? {};
  const url = endpoint?.urls?.[0] ?? endpoint?.url;
  return {
    tool: TOOL,
    version: about.aiperf_version ?? null,
    title: `${endpoint?.type ?? 'requests'}, ${countText(seen.requests, 'request')}`,
    target: url === undefined || url === null ? `the server of ${TOOL} (no URL in its file)` : withoutQueryValues(url),
    endpoint: endpoint?.type ?? 'unknown',
    model: models?.items?.[0]?.name ?? endpoint?.model_names?.[0] ?? null,
    startedAt: isoTime(seen.zeroNs / 1e6),
    starts: seen.hasCredits ? 'due' : 'sent',
    durationS: duration ? (duration.avg * (US_PER[duration.unit] ?? 1)) / 1e6 : null,
    maxInFlight: null,
    stopped: about.was_cancelled === true ? 'AIPerf was cancelled before its requests were done' : null,
    notes: notesOf(seen, summary !== null),
    requests: seen.requests,
    records: () => inBatches(records(lines, seen)),
  };
}

interface Seen {
  readonly requests: number;
  readonly zeroNs: number;
  /** Whether all requests have a time at which they were due. */
  readonly hasCredits: boolean;
  readonly warmup: number;
  readonly withGaps: number;
  readonly streamed: number;
  readonly whole: number;
}

async function survey(lines: AiperfFiles['lines']): Promise<Seen> {
  let [requests, startNs, creditNs, hasCredits] = [0, Infinity, Infinity, true];
  let [warmup, withGaps, streamed, whole] = [0, 0, 0, 0];
  for await (const { json, where } of lines()) {
    const record = checked(aiperfLine, json, where, TOOL);
    const { metadata, metrics } = record;
    requests++;
    startNs = Math.min(startNs, metadata.request_start_ns);
    const credit = creditOf(record);
    if (credit === null) hasCredits = false;
    else creditNs = Math.min(creditNs, credit);
    if (isWarmup(record)) warmup++;
    if (metrics?.inter_chunk_latency) withGaps++;
    if (metrics?.time_to_first_token) streamed++;
    else if (metrics?.request_latency) whole++;
  }
  const zeroNs = hasCredits ? Math.min(creditNs, startNs) : startNs;
  return { requests, zeroNs, hasCredits, warmup, withGaps, streamed, whole };
}

/** When a request was due: its credit was issued then. Null where there is none, or by another clock than the start. */
function creditOf({ metadata: { credit_issued_ns: credit, request_start_ns: start } }: AiperfLine): number | null {
  return typeof credit === 'number' && credit <= start && start - credit < MAX_WAIT_NS ? credit : null;
}

function isWarmup({ metadata: { benchmark_phase, phase_kind } }: AiperfLine): boolean {
  return (phase_kind ?? benchmark_phase) === 'warmup';
}

async function* records(lines: AiperfFiles['lines'], seen: Seen): AsyncGenerator<RequestRecord> {
  for await (const { json, where, number } of lines())
    yield recordOf(checked(aiperfLine, json, where, TOOL), number, seen);
}

function recordOf(record: AiperfLine, number: number, { zeroNs, hasCredits }: Seen): RequestRecord {
  const { metadata, metrics, error } = record;
  const sentUs = Math.round((metadata.request_start_ns - zeroNs) / 1000);
  const dueUs = hasCredits ? Math.round(((creditOf(record) ?? metadata.request_start_ns) - zeroNs) / 1000) : sentUs;
  const failed = (error ?? null) !== null || metadata.was_cancelled === true;
  const tokens = failed ? NO_TOKENS : tokensOf(record, sentUs - dueUs);
  const endNs = metadata.request_end_ns;
  const lastUs = tokens.token_times_us.at(-1);
  const ends = [
    ...(typeof endNs === 'number' ? [Math.round((endNs - zeroNs) / 1000)] : []),
    ...(lastUs === undefined ? [] : [dueUs + lastUs]),
  ];
  const output = tokensIn(record);
  const usage = metrics?.usage_completion_tokens ?? null;
  return importedRecord({
    id: metadata.x_request_id ?? `line-${number}`,
    row: number,
    dueUs,
    outcome: 'ok',
    tokens,
    known: {
      session_id: metadata.x_correlation_id ?? null,
      turn: metadata.turn_index ?? 0,
      measured: !isWarmup(record),
      sent_us: sentUs,
      connect_us: metrics?.http_req_connecting ? Math.round(metrics.http_req_connecting) : null,
      end_us: ends.length === 0 ? null : Math.max(sentUs, ...ends),
      input_tokens: metrics?.usage_prompt_tokens ?? metrics?.input_sequence_length ?? metrics?.error_isl ?? null,
      cached_tokens: metrics?.usage_prompt_cache_read_tokens ?? null,
      output_tokens: failed ? 0 : output,
      reasoning_tokens: metrics?.reasoning_token_count ?? null,
      output_tokens_reported: usage === output ? null : usage,
      ...(failed ? cancelledOr(record) : {}),
    },
  });
}

function cancelledOr({ metadata, error }: AiperfLine): {
  outcome: Outcome;
  http_status: number | null;
  error: string | null;
} {
  const text = [error?.type, error?.message].filter((part) => part !== null && part !== undefined).join(': ');
  const code = error?.code ?? null;
  if (metadata.was_cancelled === true || error?.type === 'RequestCancellationError')
    return { outcome: 'cancelled', http_status: null, error: text === '' ? 'cancelled by AIPerf' : text };
  return failureOf(text, code !== null && code >= 400 && code < 600 ? code : null);
}

/** Output tokens, those of reasoning included. */
function tokensIn({ metrics }: AiperfLine): number | null {
  const parts = [metrics?.output_token_count, metrics?.reasoning_token_count].filter(
    (part) => typeof part === 'number',
  );
  if (parts.length === 0) return metrics?.output_sequence_length ?? metrics?.usage_completion_tokens ?? null;
  return metrics?.output_sequence_length ?? parts.reduce((sum, part) => sum + part, 0);
}

function tokensOf(record: AiperfLine, waitUs: number): PlacedTokens {
  const { metrics } = record;
  const [firstUs, lastUs] = [metrics?.time_to_first_token ?? null, metrics?.request_latency ?? null];
  const tokens = tokensIn(record);
  const countedBy: TokenCountSource =
    tokens !== null && tokens === metrics?.usage_completion_tokens ? 'usage' : 'tokenizer';
  // Not streamed: the whole answer came at its end.
  if (firstUs === null)
    return lastUs === null
      ? NO_TOKENS
      : tokensInChunks({ timesUs: [lastUs + waitUs], tokens, countedBy, startsWithRole: false });
  const gapsUs = metrics?.inter_chunk_latency ?? null;
  if (gapsUs !== null || tokens === null)
    return tokensInChunks({
      timesUs: chunkTimes(firstUs + waitUs, gapsUs ?? []),
      tokens,
      countedBy,
      startsWithRole: false,
    });
  return spreadTokens(firstUs + waitUs, (lastUs ?? firstUs) + waitUs, tokens, countedBy);
}

function notesOf({ warmup, withGaps, streamed, whole, hasCredits }: Seen, hasSummary: boolean): string[] {
  return [
    'Its TTFT counts to the first response with content or reasoning; its request latency to the last one, which is the last token here.',
    ...(hasCredits
      ? ['A request is due when its credit was issued; the figures of AIPerf itself count from its start.']
      : []),
    withGaps < streamed
      ? 'Its ITL is an average over each answer, which is TPOT here; gaps between tokens are not in the file.'
      : 'Its ITL is an average over each answer, which is TPOT here; ITL here is of the chunks that it keeps, the tokens of one being 0 apart, where it counts at least a token a chunk.',
    'Output tokens are those that AIPerf counted, with its tokenizer or by the usage figures of the server; input tokens those of the usage figures, where it keeps them. How many were asked for is not in the file.',
    ...(whole === 0
      ? []
      : [`${countText(whole, 'answer')} without a TTFT: not streamed, so that all tokens came at the end.`]),
    ...(warmup === 0 ? [] : [`${countText(warmup, 'request')} of its warm-up are kept and in no figure.`]),
    ...(hasSummary ? [] : ['There is no profile_export_aiperf.json beside it: version, model and URL are not known.']),
  ];
}
