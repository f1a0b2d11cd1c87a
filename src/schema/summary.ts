import { z } from 'zod';
import { OUTCOMES } from '../core/record.ts';
import { SLO_METRICS } from '../core/slo.ts';
import { manifestSchema } from './manifest.ts';
import { classLimitsMs, count, itlShares, limitsMs, quantiles, type DeepReadonly } from './parts.ts';

const run = manifestSchema.shape;

export const latencyStats = z
  .strictObject({
    mean: z.number().nullable(),
    p50: z.number().nullable(),
    p90: z.number().nullable(),
    p95: z.number().nullable(),
    p99: z.number().nullable(),
    p999: z.number().nullable(),
    max: z.number().nullable(),
    n: count.describe('Number of values.'),
    missing: count.describe('Number of values that never came: each counts as infinitely late in the percentiles.'),
    missing_over_ms: z
      .number()
      .nullable()
      .describe('What every missing value is known to exceed, where all of them timed out; null where one did not.'),
  })
  .describe('Milliseconds. Null: the percentile falls on a failed request (infinitely late), or nothing was measured.');
export type LatencyStats = DeepReadonly<z.infer<typeof latencyStats>>;

export const LATENCY_METRICS = ['ttft', 'tpot', 'itl', 'e2e'] as const;
export type LatencyMetric = (typeof LATENCY_METRICS)[number];
const latencyTable = z.strictObject({
  ttft: latencyStats,
  tpot: latencyStats,
  itl: latencyStats,
  e2e: latencyStats,
} satisfies Record<LatencyMetric, z.ZodType>);
export type LatencyTable = DeepReadonly<z.infer<typeof latencyTable>>;

export const lengthStats = z
  .strictObject({ mean: z.number(), p50: count, p90: count, p99: count, max: count })
  .describe('Tokens of a request.');
export type LengthStats = DeepReadonly<z.infer<typeof lengthStats>>;

const validity = z.strictObject({
  valid: z.boolean().describe('Whether the client kept up; says nothing about the server.'),
  judged: z
    .boolean()
    .default(true)
    .describe('False: nothing is known of the client, as the run was imported; `valid` is false then.'),
  reasons: z.array(z.string()),
  lateness_ms: quantiles.nullable().describe('How long after its due time a request left, less connecting.'),
  lateness_p90_limit_ms: z
    .number()
    .nullable()
    .describe('Largest valid p90 of lateness_ms: a tenth of the TTFT p50 from sending, 2 ms where that is more.'),
  event_loop_delay_ms: quantiles.nullable(),
  client_cpu_us_per_token: z.number().nullable().describe('CPU of the client, polling left out.'),
  reading_us_per_token: z
    .number()
    .nullable()
    .default(null)
    .describe(
      'Of client_cpu_us_per_token, what reading cost: sockets, HTTP, tokens. The rest is sending, records and all else; null: an older run.',
    ),
  spin_share: z.number().nullable().describe('Share of the run that the client spent polling.'),
  core_wait_share: z
    .number()
    .nullable()
    .describe("Share of the run in which the client's main thread was ready to run and had no core."),
  stalled_share: z.number().nullable().describe('Share of the run in stalls of the event loop of 20 ms and more.'),
  requests_touched: count.describe(
    'Measured requests that the client touched: it stood still while they were in flight, or sent them late.',
  ),
});

const failureKind = z.strictObject({
  outcome: z.enum(OUTCOMES),
  http_status: z.int().nullable(),
  error: z.string().nullable(),
  numbers_differ: z.boolean().describe('Whether others of this kind have other numbers in their message.'),
  count,
});
export type FailureKind = DeepReadonly<z.infer<typeof failureKind>>;

const requests = z.strictObject({
  scheduled: count,
  sent: count,
  ok: count,
  failed: count.describe('Scheduled requests that are neither ok nor stopped.'),
  stopped: count.describe(
    'Requests that an interrupted run did not get to: not due yet, or given up before they had missed a limit. In no figure.',
  ),
  stopped_in_flight: count.describe('Of these, the ones that were in flight and were cut.'),
  by_outcome: z.partialRecord(z.enum(OUTCOMES), count),
  failures: z.array(failureKind).describe('The most common ways to fail, at most 8.'),
});

const leftOut = z
  .strictObject({
    warmup_s: z.number(),
    cooldown_s: z.number(),
    from_s: z.number().describe("First due time that is measured, from the replay's start."),
    to_s: z.number().describe("Last due time that is measured, from the replay's start."),
    warmup_requests: count,
    cooldown_requests: count,
    ok: count.describe('Of both together, those that were answered.'),
  })
  .describe('What a warm-up and a cool-down left out of every figure but little_law_error.');

const workload = z
  .strictObject({
    name: run.workload.shape.name,
    requests: count,
    bad_rows: run.workload.shape.bad_rows,
    duration_s: z.number(),
    rate_rps: run.workload.shape.rate_rps,
    input_tokens: lengthStats.nullable(),
    output_tokens: lengthStats.nullable(),
    prompts: z
      .enum(['exact', 'approximate', 'own'])
      .nullable()
      .describe(
        'Whether prompts were as long as planned or nearly so, or those of the trace itself; null where there are none (virtual time).',
      ),
    prefix_reuse: z
      .number()
      .nullable()
      .describe(
        'Share of the input tokens that an endless prefix cache would have had; null where the trace does not tell.',
      ),
  })
  .describe('As planned, of the requests that are measured.');

const inputDeviation = z
  .strictObject({
    mean: z.number(),
    max: z.number().describe('Largest absolute difference.'),
    requests: count.describe('Requests whose count is another than planned.'),
    counted: count.describe('Requests whose input tokens the server counted.'),
  })
  .describe('Input tokens as the server counts them, less those planned, of ok requests.');

/** Load as it was asked for, or as it was delivered. */
const load = z.strictObject({
  requests: count.describe('Asked: that were due. Got: that ended ok.'),
  duration_s: z.number().describe('From the first to the last of them; asked: due, got: sent.'),
  rate_rps: z.number().describe('One fewer than the requests, as they have so many gaps, over that time.'),
  input_tokens_mean: z.number().nullable().describe('Of ok requests whose input tokens the server counted.'),
  output_tokens_mean: z.number().nullable().describe('Of ok requests.'),
  cached_tokens: count.nullable().describe('Asked: the most that the prefix blocks of the trace allow.'),
});

const outputs = z
  .strictObject({
    requests: count,
    as_asked: count.describe('Requests with exactly as many output tokens as planned.'),
    short: count.describe('Requests with fewer, by more than 1 %.'),
    long: count.describe('Requests with more, by more than 1 %.'),
    asked_mean: z.number(),
    got_mean: z.number(),
    hidden_tokens: count.describe('Tokens that the server counted and never sent, such as hidden reasoning.'),
    misreported: count.describe('Requests whose last count by the server disagrees with the tokens that came.'),
    finish_reasons: z.record(z.string(), count),
  })
  .describe('Outputs of ok requests beside those planned.');

const lumps = z
  .strictObject({
    streams: count.describe('Ok requests of two tokens or more.'),
    lumped: count.describe('Of these, most of whose tokens came several events at once, in few lumps or large ones.'),
    tokens: count.describe('Tokens of lumped requests.'),
    lumps: count.describe('Lumps of lumped requests.'),
  })
  .describe('Answers that were held back on their way: tokens within 0.25 ms of one another are a lump.');

const cachedTokens = z
  .strictObject({
    requests: count.describe('Ok requests whose cached tokens the server tells, warm-up and cool-down included.'),
    input: count,
    cached: count,
    allowed: count.describe(
      'The most that the prefix blocks of the trace allow in an endless cache, empty at the start.',
    ),
    exceeds: z.boolean().describe('Whether more was cached than the trace allows: prompts of an earlier run.'),
  })
  .describe('Prompt tokens that the server had in its prefix cache.');

const delivered = z
  .strictObject({
    asked: load,
    got: load,
    duration_s: z.number().describe('The first due time to the last end.'),
    rate_rps: z.number().describe('As the planned one, of the times at which requests were sent.'),
    input_tokens: lengthStats.nullable(),
    output_tokens: lengthStats.nullable(),
    input_deviation_tokens: inputDeviation.nullable(),
    outputs: outputs.nullable(),
    lumps: lumps.nullable(),
    cached_tokens: cachedTokens.nullable(),
    prefix_reuse: z
      .number()
      .nullable()
      .describe('Share of the input tokens of ok requests that the server had cached; null where it does not tell.'),
  })
  .describe('What the server got and gave, beside what was asked, of the requests that are measured.');

const held = z
  .strictObject({
    max_in_flight: count.describe('Most requests in flight at once.'),
    requests: count.describe('Requests that waited for a place in flight.'),
    share: z.number().describe('Of the requests that the figures are of.'),
    wait_ms: quantiles
      .nullable()
      .describe('Of those that waited: from due until there was a place. Null: none waited.'),
    still_waiting: count.describe('Of the requests that an interrupted run did not get to, those that were due.'),
  })
  .describe(
    'The wait that --max-in-flight caused. It is in the latencies from the due time, not in those from sending.',
  );

/** The worst first. */
export const WARNING_CODES = [
  'records',
  'failed',
  'interrupted',
  'no_answers',
  'imported',
  'not_valid',
  'cached_tokens',
  'outputs_short',
  'outputs_long',
  'lumps',
  'inputs',
  'held',
  'sessions',
  'rate',
  'misreported',
  'bad_rows',
  'hidden_tokens',
  'probe',
  'workload',
] as const;
export type WarningCode = (typeof WARNING_CODES)[number];

const warning = z.strictObject({
  code: z.enum(WARNING_CODES).describe('For scripts; it does not change with the text.'),
  text: z.string(),
});
export type Warning = DeepReadonly<z.infer<typeof warning>>;

/** In the order of a text: what spoils the figures first, then what the server did. */
export const DIAGNOSIS_CODES = [
  'client',
  'cache',
  'proxy',
  'cap',
  'overload',
  'failures',
  'burst',
  'slowdown',
  'memory',
  'lengths',
  'prompts',
  'floor',
  'load',
  'unclear',
] as const;
export type DiagnosisCode = (typeof DIAGNOSIS_CODES)[number];

const diagnosis = z.strictObject({
  code: z.enum(DIAGNOSIS_CODES).describe('For scripts; it does not change with the text.'),
  text: z.string(),
});
export type Diagnosis = DeepReadonly<z.infer<typeof diagnosis>>;

const throughput = z.strictObject({
  requests_per_s: z.number(),
  good_requests_per_s: z.number().nullable().describe('Requests that met the SLO; null without one.'),
  input_tokens_per_s: z.number().nullable().describe('Null where the server counts no input tokens.'),
  output_tokens_per_s: z.number(),
});

const attainment = z.strictObject({
  joint: z.number().describe('Share of scheduled requests that are ok and meet every limit.'),
  ttft: z.number().nullable().describe('Share that meets this limit alone; null where there is no such limit.'),
  tpot: z.number().nullable().describe('Share that meets this limit alone; null where there is no such limit.'),
  e2e: z.number().nullable().describe('Share that meets this limit alone; null where there is no such limit.'),
  ...itlShares,
  ci95: z
    .tuple([z.number(), z.number()])
    .nullable()
    .describe(
      '95 % interval of joint, for load like these requests; null where they span less than ten stays or all failed.',
    ),
  n_eff: count
    .nullable()
    .describe('Independent requests that would give as narrow an interval; null without an interval.'),
  sufficient: z
    .boolean()
    .describe('Whether the span holds at least 20 stays and 15 swings of the arrivals; information, decides nothing.'),
  overloaded: z
    .boolean()
    .describe('Requests stay too long for an interval, and the backlog still grew when the last one was due: a miss.'),
});
export type Attainment = DeepReadonly<z.infer<typeof attainment>>;

const binding = z
  .enum(SLO_METRICS)
  .nullable()
  .describe(
    'The limit that most answered requests miss; null if none is missed, or more requests failed than miss it.',
  );

/** How many requests meet the limits of an SLO times a scale. */
export const scaledAttainment = {
  attainment: attainment.shape.joint,
  ttft: attainment.shape.ttft,
  tpot: attainment.shape.tpot,
  e2e: attainment.shape.e2e,
  ...itlShares,
  ci95: attainment.shape.ci95,
  overloaded: attainment.shape.overloaded,
  binding,
};

const sloScale = z.strictObject({
  scale: z.number().describe('Every limit is so many times that of the SLO.'),
  ...scaledAttainment,
});
export type SloScale = DeepReadonly<z.infer<typeof sloScale>>;

const classAttainment = z.strictObject({
  class: z.string().nullable().describe('Null: requests of all classes without limits of their own.'),
  limits_ms: classLimitsMs,
  requests: count,
  attainment,
  binding,
});
export type ClassAttainment = DeepReadonly<z.infer<typeof classAttainment>>;

const slo = z.strictObject({
  limits_ms: limitsMs,
  at: z.number().describe('Share of requests that should meet the limits.'),
  attainment,
  binding,
  not_judged: count
    .exactOptional()
    .describe('Requests of classes that the SLO has no limits for: in no share. Absent: none.'),
  by_class: z
    .array(classAttainment)
    .exactOptional()
    .describe('Each class by its own limits, where the SLO has limits by class, in its order.'),
  binding_class: z
    .string()
    .nullable()
    .exactOptional()
    .describe(
      'Where by_class is: the class that most requests which missed are of; null: none of those with limits of their own.',
    ),
  scales: z
    .array(sloScale)
    .exactOptional()
    .describe('The same requests judged by the limits times each scale, in ascending order (--slo-scales).'),
});

const sessions = z
  .strictObject({
    scheduled: count,
    finished: count.describe('Sessions all of whose turns ended ok.'),
    failed: count.describe('Sessions of which a turn failed; the rest was not over when the run was interrupted.'),
    mean_duration_s: z.number().nullable().describe('Of finished ones: from the first due time to the last end.'),
    jobs_per_h: z
      .number()
      .nullable()
      .describe(
        'Finished sessions an hour, from the first due time to the last end; with --concurrent-sessions, until the last session begins.',
      ),
    attainment: z
      .number()
      .nullable()
      .describe(
        'Share of sessions all of whose turns met the SLO, of those that finished or failed; null without one.',
      ),
    pushed_back_s: z
      .number()
      .nullable()
      .describe(
        'Mean time by which the last turn that was sent came due later than in the trace, because answers before it took longer; below 0: they were faster. Null where the trace does not say when.',
      ),
    client_late_s: z.number().describe('Mean of what the client sent the turns of a session late, all together.'),
  })
  .describe('Sessions as wholes, by their measured turns.');

const serverGauge = z.strictObject({ mean: z.number(), max: z.number() });
export type ServerGauge = DeepReadonly<z.infer<typeof serverGauge>>;

export const bucketQuantile = z
  .strictObject({
    ms: z
      .number()
      .nullable()
      .describe('On a straight line through the bucket; null in the last bucket, which has no end.'),
    bucket_ms: z.tuple([z.number(), z.number().nullable()]).describe('From, to.'),
  })
  .describe('A quantile of a histogram: all that is sure are the bounds of its bucket.');
export type BucketQuantile = DeepReadonly<z.infer<typeof bucketQuantile>>;

export const serverLatency = z
  .strictObject({
    n: z.number(),
    mean: z.number(),
    p50: bucketQuantile.nullable(),
    p90: bucketQuantile.nullable(),
    p99: bucketQuantile.nullable(),
  })
  .describe('Milliseconds, as the server measured them between two scrapes.');
export type ServerLatency = DeepReadonly<z.infer<typeof serverLatency>>;

const server = z
  .strictObject({
    scrapes: count,
    scrapes_failed: count,
    counted_from_s: z.number().describe("Counters and histograms are counted from here, from the run's start."),
    counted_to_s: z.number(),
    running: serverGauge.nullable().describe('Requests, while measured ones were due.'),
    waiting: serverGauge.nullable().describe('Requests, while measured ones were due.'),
    kv_usage: serverGauge.nullable().describe('Share of the KV cache in use, of the fullest engine.'),
    prefix_hit_rate: z.number().nullable().describe('Share of prompt tokens that were found in the prefix cache.'),
    preemptions: z.number().nullable(),
    iteration_tokens: z.number().nullable().default(null).describe('Tokens that an iteration computed, on average.'),
    latency_ms: z.strictObject({
      ttft: serverLatency.nullable(),
      itl: serverLatency.nullable(),
      queue: serverLatency.nullable().describe('From arrival until a request first ran.'),
    }),
  })
  .describe("The server's own metrics (server.parquet), which count the requests of every client.");

export const summarySchema = z
  .strictObject({
    schema: z.literal(1),
    run_id: run.run_id,
    status: run.status,
    reason: run.reason,
    target: run.target.pick({ spec: true, kind: true, model: true }),
    plan_sha256: run.plan_sha256,
    warnings: z.array(warning).describe('What is said above the verdict, the worst first.'),
    diagnosis: z
      .array(diagnosis)
      .describe('Why requests missed the SLO, or were slow, by rules; empty where nothing is to be explained.'),
    validity,
    requests,
    left_out: leftOut.nullable().describe('Null: the whole run is measured.'),
    workload,
    delivered,
    held: held.nullable().describe('Null without --max-in-flight.'),
    throughput,
    latency_ms: latencyTable.describe('From the due time, over all scheduled requests: what users felt.'),
    latency_ok_ms: latencyTable.describe('The same of ok requests alone: the secondary view.'),
    service_latency_ms: latencyTable.describe('From the send time: what the server did.'),
    little_law_error: z
      .number()
      .nullable()
      .describe(
        'Relative difference of sampled requests in flight from rate times time in system; null without sampling.',
      ),
    slo: slo.nullable(),
    sessions: sessions.nullable().default(null).describe('Null: no request is of a session.'),
    fluidity: z.strictObject({ mean: z.number(), share_at_least_0_9: z.number() }).nullable(),
    server: server.nullable(),
    records_sha256: z
      .string()
      .nullable()
      .describe('Of the virtual clock only: the same inputs and seed give the same value on every machine.'),
  })
  .describe('Every figure of the report, computed from the records and the manifest alone.');
/** The content of `summary.json`. */
export type Summary = DeepReadonly<z.infer<typeof summarySchema>>;
