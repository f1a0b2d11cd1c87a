import { z } from 'zod';

const quantiles = z.strictObject({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() });

/** The client's own health over a run: what decides whether its numbers can be believed. */
const clientHealth = z.strictObject({
  duration_s: z.number(),
  /** The run's start on the machine's monotonic clock (CLOCK_MONOTONIC on Linux): adds up with other processes' stamps. */
  machine_zero_us: z.number(),
  /** CPU of the whole client process, polling included. */
  cpu_s: z.number(),
  /** CPU spent polling: ahead of due times, and where the client stays awake while streams are open. */
  polling_s: z.number(),
  /** How long its main thread was ready to run and others had the cores; null where the kernel does not tell. */
  core_wait_s: z.number().nullable().default(null),
  event_loop_delay_ms: quantiles,
  /** Moments when the event loop stood still, from the run's start. */
  stalls: z.array(z.strictObject({ from_us: z.number(), to_us: z.number() })),
  /** Requests in flight, averaged over time by sampling: one side of Little's law. */
  mean_in_flight: z.number(),
});
export type ClientHealth = z.infer<typeof clientHealth>;

const workload = z.strictObject({
  name: z.string(),
  format: z.string(),
  path: z.string(),
  sha256: z.string(),
  transforms: z.array(
    z.strictObject({ op: z.string(), args: z.record(z.string(), z.union([z.number(), z.string()])) }),
  ),
  /** Tokens of a prefix block, where the trace has blocks. */
  block_tokens: z.number().exactOptional(),
  on_bad_row: z.enum(['fail', 'skip']),
  /** Rows that were left out because they could not be read. */
  bad_rows: z.number(),
  requests: z.number(),
  duration_s: z.number(),
  rate_rps: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  /** Share of the input tokens that an endless prefix cache would have had, where the blocks tell. */
  prefix_reuse: z.number().exactOptional(),
});

/** Warm-up and cool-down: replayed and recorded, but not measured. The span is of due times, its ends measured. */
const measured = z.strictObject({
  warmup_s: z.number(),
  cooldown_s: z.number(),
  from_us: z.number(),
  to_us: z.number(),
});

const cacheReset = z.strictObject({
  /** What was posted to. */
  route: z.string(),
  /** What told that the cache was empty then; null: nothing did. */
  verified_by: z.enum(['cached_tokens', 'hit_counters']).nullable(),
});
export type CacheReset = z.infer<typeof cacheReset>;

const target = z.strictObject({
  /** As given on the command line. */
  spec: z.string(),
  kind: z.enum(['url', 'reference']),
  adapter: z.string(),
  model: z.string().nullable(),
  /** What the target says of itself: for the reference engine every option with its value. */
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

/** How prompts are made for a server; in virtual time there are none. */
const prompts = z.strictObject({
  form: z.enum(['ids', 'text']),
  /** `approximate`: of plain words, where no tokenizer is at hand or the server disagrees with it. */
  lengths: z.enum(['exact', 'approximate']),
  /** What says that each word is one token: the path of a `tokenizer.json`, or `server`. */
  tokenizer: z.string().nullable(),
  tokenizer_sha256: z.string().exactOptional(),
  /** Of text, as measured: what the server counts besides the words, and for each word. */
  overhead_tokens: z.number().exactOptional(),
  tokens_per_word: z.number().exactOptional(),
});

/** `run.json`: what was run, on what, how it ended. The only file that holds wall-clock times. */
export const manifestSchema = z.strictObject({
  schema: z.literal(1),
  run_id: z.string(),
  status: z.enum(['running', 'complete', 'interrupted', 'failed']),
  /** Why it did not complete, in a sentence; null if it did. */
  reason: z.string().nullable(),
  command: z.array(z.string()),
  /** Of the client while it runs, so that no one mends the records of a run that goes on. */
  pid: z.number(),
  started_at: z.string(),
  ended_at: z.string().nullable(),
  versions: z.record(z.string(), z.string()),
  machine: z.strictObject({ os: z.string(), cpu: z.string(), cores: z.number(), memory_bytes: z.number() }),
  clock: z.enum(['real', 'virtual']),
  seed: z.number(),
  plan_sha256: z.string(),
  workload,
  /** What is measured; null: all of it. */
  measured: measured.nullable().default(null),
  target,
  prompts: prompts.exactOptional(),
  /** What was done to the server before the run; null: nothing. */
  prepared: z
    .strictObject({ warmup_requests: z.number(), cache_reset: cacheReset.nullable() })
    .nullable()
    .default(null),
  slo: z
    .strictObject({
      text: z.string(),
      /** Where the limits have a published name. */
      profile: z.strictObject({ name: z.string(), source: z.string() }).exactOptional(),
      /** What the run was judged by, where a report was asked to judge by another; never in `run.json`. */
      in_place_of: z.string().exactOptional(),
      limits_ms: z.strictObject({
        ttft: z.number().exactOptional(),
        tpot: z.number().exactOptional(),
        e2e: z.number().exactOptional(),
      }),
    })
    .nullable(),
  timeout_s: z.number(),
  ttft_timeout_s: z.number(),
  client: clientHealth.nullable(),
});
export type Manifest = z.infer<typeof manifestSchema>;
