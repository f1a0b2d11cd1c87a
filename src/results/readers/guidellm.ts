import { z } from 'zod';
import { UserError } from '../../core/errors.ts';
import type { RecordBatch, RequestRecord, TokenCountSource } from '../../core/record.ts';
import { withoutQueryValues } from '../../core/secrets.ts';
import { countText } from '../../core/words.ts';
import { checked, tokenCount } from '../checked.ts';
import { failureOf } from '../failures.ts';
import { importedRecord, type ImportedRun, type PlacedTokens } from '../imported-run.ts';
import { isoTime } from '../instants.ts';
import { NO_TOKENS, spreadTokens } from '../token-times.ts';

const TOOL = 'GuideLLM';

/** Seconds since 1970; versions before 0.4 have -1 where something did not happen. */
const instant = z.number('expected seconds since 1970').nullish();
const usage = z
  .object({
    total_tokens: tokenCount.nullish(),
    text_tokens: tokenCount.nullish(),
    cached_tokens: tokenCount.nullish(),
  })
  .nullish();

/** A request as versions from 0.4 on keep it (`info`), and as those before do (`start_time`, ...). */
const request = z.object({
  request_id: z.string().nullish(),
  info: z
    .object({
      timings: z.object({
        targeted_start: instant,
        resolve_start: instant,
        request_start: instant,
        first_token_iteration: instant,
        last_token_iteration: instant,
        token_iterations: tokenCount.nullish(),
        request_end: instant,
        resolve_end: instant,
      }),
      conversation_id: z.string().nullish(),
      turn_index: z.int().nonnegative().nullish(),
      error: z.string().nullish(),
    })
    .nullish(),
  input_metrics: usage,
  output_metrics: usage,
  prompt_tokens: tokenCount.nullish(),
  output_tokens: tokenCount.nullish(),
  scheduler_info: z.object({ targeted_start_time: instant }).nullish(),
  start_time: instant,
  end_time: instant,
  first_token_time: instant,
  last_token_time: instant,
  error: z.string().nullish(),
});
type GuidellmRequest = z.infer<typeof request>;

const requestList = z.array(request, 'expected a list').nullish();
const strategy = z.object({
  type_: z.string().nullish(),
  rate: z.number().nullish(),
  streams: z.number().nullish(),
  max_concurrency: z.number().nullish(),
});
const benchmarkSchema = z.object({
  config: z
    .object({
      strategy: strategy.nullish(),
      sample_size: z.int().nullish(),
      backend: z
        .object({ target: z.string().nullish(), model: z.string().nullish(), kind: z.string().nullish() })
        .nullish(),
    })
    .nullish(),
  args: z.object({ strategy: strategy.nullish() }).nullish(),
  worker: z.object({ backend_target: z.string().nullish(), backend_model: z.string().nullish() }).nullish(),
  duration: z.number().nullish(),
  requests: z.object({ successful: requestList, incomplete: requestList, errored: requestList }),
});
type Benchmark = z.infer<typeof benchmarkSchema>;

const reportSchema = z.object({
  metadata: z.object({ guidellm_version: z.string().nullish() }).nullish(),
  benchmarks: z.array(z.unknown(), 'expected a list of benchmarks').min(1, 'expected at least one benchmark'),
});

/** The runs of a report of GuideLLM, each benchmark one. Throws a UserError that names `where`, the key and value. */
export function readGuidellm(json: unknown, where: string): ImportedRun[] {
  const { metadata, benchmarks } = checked(reportSchema, json, where, TOOL);
  return benchmarks.map((each, i) => {
    const part = benchmarks.length === 1 ? where : `${where}#${i + 1}`;
    return runOf(checked(benchmarkSchema, each, part, TOOL), metadata?.guidellm_version ?? null, part);
  });
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
    records: () => records(requests, zeroS),
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
      return { kind, request: each, dueS: Math.min(dueS, sentS ?? Infinity), sentS, isPlanned: isPlanned && isSane };
    }),
  );
}

function known(instantS: number | null | undefined): number | null {
  return typeof instantS === 'number' && instantS > 0 ? instantS : null;
}

function strategyOf({ config, args }: Benchmark): z.infer<typeof strategy> {
  return config?.strategy ?? args?.strategy ?? {};
}

/** Strategies that send a request when another one ends have no schedule: it is due when it is sent. */
const CLOSED: ReadonlySet<string> = new Set(['synchronous', 'concurrent', 'throughput']);

function isScheduled(benchmark: Benchmark): boolean {
  const { type_: type } = strategyOf(benchmark);
  return !CLOSED.has(type ?? 'synchronous');
}

/** `constant, 4 requests/s`. */
function paceText({ type_, rate, streams, max_concurrency }: z.infer<typeof strategy>): string {
  const most = streams ?? max_concurrency ?? null;
  return [
    type_ ?? 'unknown strategy',
    ...(typeof rate === 'number' ? [`${Number(rate.toPrecision(4))} requests/s`] : []),
    ...(most === null ? [] : [`at most ${most} in flight`]),
  ].join(', ');
}

const BATCH = 1000;

function* records(requests: readonly Timed[], zeroS: number): Generator<RecordBatch> {
  const ids = new Set<string>();
  for (let from = 0; from < requests.length; from += BATCH)
    yield requests.slice(from, from + BATCH).map((each, i) => {
      const record = recordOf(each, from + i + 1, zeroS);
      const isNew = !ids.has(record.request_id);
      ids.add(record.request_id);
      return isNew ? record : { ...record, request_id: `${record.request_id}-${from + i + 1}` };
    });
}

function recordOf({ kind, request: each, dueS, sentS }: Timed, row: number, zeroS: number): RequestRecord {
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
    each.info?.timings.token_iterations ??
    null
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
  const size = benchmark.config?.sample_size ?? null;
  const unplanned = isScheduled(benchmark) ? requests.filter(({ isPlanned }) => !isPlanned).length : 0;
  return [
    'Its TTFT counts to the first line with content or reasoning. Its time per output token includes the first token; its ITL is an average over each answer, which is TPOT here.',
    'Its times are of the wall clock of its machine, which may be set meanwhile.',
    'Output tokens are those of the usage figures of the server, or else its chunks. How many were asked for is not in the file.',
    ...(isScheduled(benchmark)
      ? ['A request is due at its targeted start; the figures of GuideLLM itself count from its start.']
      : []),
    ...(unplanned === 0
      ? []
      : [`${countText(unplanned, 'request')} without a targeted start that can be: due when sent.`]),
    ...(size === null
      ? []
      : [
          `It kept a sample (${size} of each kind at most): with more requests than that, rates are of the sample, not of the benchmark.`,
        ]),
    ...(requests.some(({ sentS }) => sentS === null)
      ? ['Requests that it gave up before they were sent are unsent here.']
      : []),
  ];
}
