import { z } from 'zod';
import { OUTCOMES } from '../core/record.ts';
import { slo } from './attainment.ts';
import { delivered, held, lengthStats } from './delivered.ts';
import { latencyTable } from './latency.ts';
import { manifestSchema } from './manifest.ts';
import { count, quantiles, type DeepReadonly } from './parts.ts';
import { server } from './server-latency.ts';
import { pauses, stimulus } from './validity-parts.ts';

const run = manifestSchema.shape;

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
  gc: pauses.describe('Garbage collection of the thread that sends and reads; null: an older run.'),
  unread: pauses.describe(
    'Times between two polls of the sockets, in which bytes wait in the kernel: what they took beyond 1 ms each, and the longest whole; null: an older run.',
  ),
  stimulus: stimulus.nullable().default(null).describe('Null: an older run, or one that is not timed by this client.'),
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

/** The worst first. */
export const WARNING_CODES = [
  'records',
  'failed',
  'interrupted',
  'no_answers',
  'imported',
  'not_valid',
  'beyond_certificate',
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
        'Finished sessions an hour, from the first due time to the last end; with --concurrent-sessions, those that go on at a time until the last begins, by the time that one takes.',
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
    clock_error_ms: z
      .strictObject({ ttft: z.number(), tpot: z.number(), itl: z.number(), e2e: z.number() })
      .nullable()
      .default(null)
      .describe(
        'By how much a latency may be wrong because tokens are recorded late: TTFT and E2E too long by as much at most, TPOT and ITL too long or too short. By the p99 of the certified timestamp error at the load of the busiest second; null: no certificate, or it does not reach so far.',
      ),
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
