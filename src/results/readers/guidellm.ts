import { UserError } from '../../core/errors.ts';
import type { RequestRecord, TokenCountSource } from '../../core/record.ts';
import { withoutQueryValues } from '../../core/secrets.ts';
import { countText } from '../../core/words.ts';
import { checked } from '../checked.ts';
import { failureOf } from '../failures.ts';
import { importedRecord, inBatches, type ImportedRun, type PlacedTokens } from '../imported-run.ts';
import { isoTime } from '../instants.ts';
import { NO_TOKENS, spreadTokens } from '../token-times.ts';
import { firstRuns, isFirstGroup } from './guidellm-first.ts';
import {
  benchmarkSchema,
  reportSchema,
  type Benchmark,
  type GuidellmRequest,
  type Strategy,
} from './guidellm-report.ts';

const TOOL = 'GuideLLM';

/**
 * The runs of a report of GuideLLM, each benchmark one, read when it is called. Throws a UserError that names `where`, the
 * key and value.
 */
export function readGuidellm(json: unknown, where: string): (() => ImportedRun)[] {
  const { metadata, benchmarks } = checked(reportSchema, json, where, TOOL);
  const version = metadata?.guidellm_version ?? null;
  const runs = benchmarks.flatMap((each) =>
    isFirstGroup(each)
      ? firstRuns(each, where)
      : [(part: string) => runOf(checked(benchmarkSchema, each, part, TOOL), version, part)],
  );
  return runs.map((run, i) => () => run(runs.length === 1 ? where : `${where}#${i + 1}`));
}

function runOf(benchmark: Benchmark, version: string | null, where: string): ImportedRun {
  const requests = requestsOf(benchmark);
  const { config, worker } = benchmark;
  const zeroS = requests.reduce((least, { dueS }) => Math.min(least, dueS), Infinity);
  if (requests.length === 0 || !Number.isFinite(zeroS))
    throw new UserError(
      `${where}: no request in it: requests.successful, incomplete and errored are empty; run GuideLLM again with all of its requests kept (a sample size of 0 keeps none)`,
    );
  const url = config?.backend?.target ?? worker?.backend_target ?? null;
  const incomplete = requests.filter(({ kind }) => kind === 'incomplete').length;
  return {
    tool: TOOL,
    version,
    title: `${paceText(strategyOf(benchmark))}, ${countText(requests.length, 'request')}`,
    target: url === null ? `the server of ${TOOL} (no URL in its file)` : withoutQueryValues(url),
    endpoint: config?.backend?.kind ?? 'openai',
    model: config?.backend?.model ?? worker?.backend_model ?? null,
    startedAt: isoTime(zeroS * 1000),
    starts: isScheduled(benchmark) ? 'due' : 'sent',
    durationS: benchmark.duration ?? null,
    maxInFlight: null,
    stopped:
      incomplete === 0
        ? null
        : `GuideLLM reached its limit and gave up ${countText(incomplete, 'request')} (incomplete in its file)`,
    notes: notesOf(benchmark, requests),
    requests: requests.length,
    records: () => inBatches(recordsOf(requests, zeroS)),
  };
}

/** The first requests of a benchmark may have a targeted start that is off by all the years since 1970. */
const MAX_WAIT_S = 3600;

type Kind = 'successful' | 'incomplete' | 'errored';

interface Timed {
  readonly kind: Kind;
  readonly request: GuidellmRequest;
  /** Seconds since 1970. */
  readonly dueS: number;
  /** Null: it was not sent. */
  readonly sentS: number | null;
  /** Whether it was due by a schedule. */
  readonly isPlanned: boolean;
  /** Not of the warm-up or the cool-down. */
  readonly isMeasured: boolean;
}

function requestsOf(benchmark: Benchmark): Timed[] {
  const isPlanned = isScheduled(benchmark);
  return (['successful', 'incomplete', 'errored'] as const).flatMap((kind) =>
    (benchmark.requests[kind] ?? []).map((each): Timed => {
      const timings = each.info?.timings;
      const sentS = known(timings?.request_start) ?? known(timings?.resolve_start) ?? known(each.start_time);
      const targetS = known(timings?.targeted_start) ?? known(each.scheduler_info?.targeted_start_time);
      const isSane = targetS !== null && (sentS === null || Math.abs(sentS - targetS) < MAX_WAIT_S);
      const plannedS = isSane ? targetS : null;
      const endedS = known(timings?.request_end) ?? known(timings?.resolve_end) ?? known(each.end_time);
      const dueS = (isPlanned ? plannedS : null) ?? sentS ?? plannedS ?? endedS ?? Infinity;
      return {
        kind,
        request: each,
        dueS: Math.min(dueS, sentS ?? Infinity),
        sentS,
        isPlanned: isPlanned && isSane,
        isMeasured: isOfMeasurement(benchmark, sentS ?? dueS),
      };
    }),
  );
}

function isOfMeasurement(
  { start_time, end_time, warmup_duration, cooldown_duration }: Benchmark,
  sentS: number,
): boolean {
  const isWarmup = (warmup_duration ?? 0) > 0 && sentS < (known(start_time) ?? 0);
  const isCooldown = (cooldown_duration ?? 0) > 0 && sentS > (known(end_time) ?? Infinity);
  return !isWarmup && !isCooldown;
}

function known(instantS: number | null | undefined): number | null {
  return typeof instantS === 'number' && instantS > 0 ? instantS : null;
}

function strategyOf({ config, args }: Benchmark): Strategy {
  return config?.strategy ?? args?.strategy ?? {};
}

/** Strategies that send a request when another one ends have no schedule: it is due when it is sent. */
const CLOSED: ReadonlySet<string> = new Set(['synchronous', 'concurrent', 'throughput']);

function isScheduled(benchmark: Benchmark): boolean {
  const { type_: type } = strategyOf(benchmark);
  return !CLOSED.has(type ?? 'synchronous');
}

/** `constant, 4 requests/s`. */
function paceText({ type_, rate, streams, max_concurrency }: Strategy): string {
  const most = streams ?? max_concurrency ?? null;
  return [
    type_ ?? 'unknown strategy',
    ...(typeof rate === 'number' ? [`${Number(rate.toPrecision(4))} requests/s`] : []),
    ...(most === null ? [] : [`at most ${most} in flight`]),
  ].join(', ');
}

function* recordsOf(requests: readonly Timed[], zeroS: number): Generator<RequestRecord> {
  for (const [i, each] of requests.entries()) yield recordOf(each, i + 1, zeroS);
}

function recordOf({ kind, request: each, dueS, sentS, isMeasured }: Timed, row: number, zeroS: number): RequestRecord {
  const us = (instantS: number): number => Math.round((instantS - zeroS) * 1e6);
  const timings = each.info?.timings;
  const dueUs = Number.isFinite(dueS) ? us(dueS) : 0;
  const sentUs = sentS === null ? null : Math.max(dueUs, us(sentS));
  const endS = known(timings?.request_end) ?? known(timings?.resolve_end) ?? known(each.end_time);
  const tokens = sentUs === null ? NO_TOKENS : tokensOf(each, kind, (instantS) => us(instantS) - dueUs);
  const lastUs = tokens.token_times_us.at(-1);
  const ends = [...(endS === null ? [] : [us(endS)]), ...(lastUs === undefined ? [] : [dueUs + lastUs])];
  const error = each.info?.error ?? each.error ?? '';
  return importedRecord({
    id: each.request_id ?? `request-${row}`,
    row,
    dueUs,
    outcome: 'ok',
    tokens,
    known: {
      session_id: each.info?.conversation_id ?? null,
      turn: each.info?.turn_index ?? 0,
      measured: isMeasured,
      sent_us: sentUs,
      end_us: sentUs === null || ends.length === 0 ? null : Math.max(sentUs, ...ends),
      input_tokens: each.input_metrics?.total_tokens ?? each.input_metrics?.text_tokens ?? each.prompt_tokens ?? null,
      cached_tokens: each.input_metrics?.cached_tokens ?? null,
      output_tokens: kind === 'successful' ? tokensIn(each) : tokens.token_times_us.length,
      ...(kind === 'errored' ? failureOf(error) : {}),
      ...(kind === 'incomplete'
        ? { outcome: sentUs === null ? 'unsent' : 'cut', error: 'the benchmark ended first' }
        : {}),
    },
  });
}

function tokensIn(each: GuidellmRequest): number | null {
  return (
    each.output_metrics?.total_tokens ??
    each.output_metrics?.text_tokens ??
    each.output_tokens ??
    // Of an answer that was not streamed: 0.
    (each.info?.timings.token_iterations || null)
  );
}

/** First and last token of an answer, or all at its end where it was not streamed. */
function tokensOf(each: GuidellmRequest, kind: Kind, fromDueUs: (instantS: number) => number): PlacedTokens {
  const timings = each.info?.timings;
  const firstS = known(timings?.first_token_iteration) ?? known(each.first_token_time);
  const lastS = known(timings?.last_token_iteration) ?? known(each.last_token_time);
  const endS = known(timings?.request_end) ?? known(each.end_time);
  const iterations = timings?.token_iterations ?? null;
  // Of an answer that broke off, the count may be what was asked for: what came is what was read.
  const tokens = kind === 'successful' ? tokensIn(each) : (iterations ?? 0);
  const isCounted = kind === 'successful' && (each.output_metrics?.total_tokens ?? each.output_tokens ?? null) !== null;
  const countedBy: TokenCountSource = isCounted ? 'usage' : 'chunks';
  if (firstS !== null) return spreadTokens(fromDueUs(firstS), fromDueUs(lastS ?? firstS), tokens ?? 1, countedBy);
  return kind === 'successful' && endS !== null
    ? spreadTokens(fromDueUs(endS), fromDueUs(endS), tokens ?? 1, countedBy)
    : NO_TOKENS;
}

function notesOf(benchmark: Benchmark, requests: readonly Timed[]): string[] {
  const unplanned = isScheduled(benchmark) ? requests.filter(({ isPlanned }) => !isPlanned).length : 0;
  const unmeasured = requests.filter((each) => !each.isMeasured).length;
  return [
    'Its TTFT counts to the first line with content or reasoning. Its time per output token includes the first token from version 0.4 on; its ITL is an average over each answer, which is TPOT here.',
    'Its times are of the wall clock of its machine, which may be set meanwhile.',
    'Output tokens are those of the usage figures of the server, or else its chunks. How many were asked for is not in the file.',
    ...(isScheduled(benchmark)
      ? ['A request is due at its targeted start; the figures of GuideLLM itself count from its start.']
      : []),
    ...(unplanned === 0
      ? []
      : [`${countText(unplanned, 'request')} without a targeted start that can be: due when sent.`]),
    ...sampleNote(benchmark),
    ...(unmeasured === 0
      ? []
      : [
          `${countText(unmeasured, 'request')} of its warm-up and cool-down are kept and in no figure; its own figures are also of those that were in flight when its warm-up ended.`,
        ]),
    ...(requests.some(({ sentS }) => sentS === null)
      ? ['Requests that it gave up before they were sent are unsent here.']
      : []),
  ];
}

/** GuideLLM keeps a sample of each kind of request if asked to; versions 0.4 and 0.5 say so and keep all. */
function sampleNote({ requests, request_totals, scheduler_metrics }: Benchmark): string[] {
  const made = scheduler_metrics?.requests_made ?? request_totals;
  if (made === null || made === undefined) return [];
  const kept = (requests.successful?.length ?? 0) + (requests.errored?.length ?? 0);
  const all = made.successful + made.errored;
  return kept >= all
    ? []
    : [
        `It kept a sample: ${kept} of the ${all} requests that ended. The others are not in the file, so that rates and shares are of the sample, not of the benchmark.`,
      ];
}
