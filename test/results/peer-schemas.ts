import { z } from 'zod';

/** The fields that the files of other tools have (`peers-now.md`, section 6), as strictly as their own readers take them. */

const count = z.int().nonnegative();
const finite = z.number();

const statistics = (...units: readonly string[]) =>
  z.strictObject({
    units: z.enum(units),
    mean: finite,
    stddev: finite.nonnegative(),
    min: finite,
    p0p1: finite,
    p1: finite,
    p5: finite,
    p10: finite,
    p25: finite,
    p50: finite,
    p75: finite,
    p90: finite,
    p95: finite,
    p99: finite,
    p99p9: finite,
    max: finite,
  });
const rate = (units: string) => z.strictObject({ units: z.literal(units), mean: finite.nonnegative() });
const length = z.strictObject({
  distribution: z.enum(['fixed', 'gaussian', 'uniform', 'other']),
  value: finite.nonnegative(),
  min: count.optional(),
  max: z.int().positive().optional(),
});

/** llm-d Benchmark Report 0.2.1 of a run with an answer: every field that is named, none null. */
export const llmdReport = z.strictObject({
  version: z.literal('0.2.1'),
  run: z.strictObject({
    uid: z.string().min(1),
    description: z.string(),
    time: z.strictObject({
      start: z.iso.datetime(),
      end: z.iso.datetime(),
      duration: z.string().regex(/^PT\d+(\.\d+)?S$/),
    }),
  }),
  scenario: z.strictObject({
    load: z.strictObject({
      metadata: z.strictObject({ schema_version: z.string(), cfg_id: z.string(), description: z.string() }),
      standardized: z
        .strictObject({
          tool: z.string(),
          tool_version: z.string(),
          source: z.enum(['random', 'sampled', 'unknown']),
          stage: count,
          input_seq_len: length,
          output_seq_len: length,
          rate_qps: z.number().positive().optional(),
          concurrency: z.int().positive().optional(),
        })
        .refine(({ rate_qps, concurrency }) => rate_qps !== undefined || concurrency !== undefined),
      native: z.strictObject({ args: z.record(z.string(), z.unknown()), config: z.record(z.string(), z.unknown()) }),
    }),
  }),
  results: z.strictObject({
    request_performance: z.strictObject({
      aggregate: z.strictObject({
        requests: z.strictObject({
          total: count,
          failures: count,
          incomplete: count,
          input_length: statistics('count'),
          output_length: statistics('count'),
        }),
        latency: z.strictObject({
          time_to_first_token: statistics('s', 'ms'),
          time_per_output_token: statistics('s/token', 'ms/token'),
          inter_token_latency: statistics('s/token', 'ms/token'),
          request_latency: statistics('s', 'ms'),
        }),
        throughput: z.strictObject({
          request_rate: rate('queries/s'),
          output_token_rate: rate('tokens/s'),
          input_token_rate: rate('tokens/s'),
          total_token_rate: rate('tokens/s'),
        }),
      }),
    }),
    session_performance: z
      .strictObject({
        sessions: z.strictObject({
          total: count,
          succeeded: count,
          failed: count,
          session_duration: statistics('s', 'ms'),
        }),
      })
      .optional(),
  }),
});

const metric = z.strictObject({
  unit: z.string(),
  avg: finite,
  p1: finite,
  p5: finite,
  p10: finite,
  p25: finite,
  p50: finite,
  p75: finite,
  p90: finite,
  p95: finite,
  p99: finite,
  min: finite,
  max: finite,
  std: finite,
  count,
  sum: finite,
});
const scalar = z.strictObject({ unit: z.string(), avg: finite });
const errorDetails = z.strictObject({ code: z.int().nullable(), type: z.string(), message: z.string() });

/** `profile_export_aiperf.json`; metrics that there is no value of are absent. */
export const aiperfTotals = z.looseObject({
  schema_version: z.literal('1.5'),
  aiperf_version: z.string(),
  benchmark_id: z.string(),
  request_throughput: scalar.optional(),
  request_latency: metric.optional(),
  time_to_first_token: metric.optional(),
  inter_token_latency: metric.optional(),
  output_sequence_length: metric.optional(),
  input_sequence_length: metric.optional(),
  goodput: scalar.optional(),
  request_count: scalar,
  error_request_count: scalar,
  input_config: z.record(z.string(), z.unknown()),
  error_summary: z.array(z.strictObject({ error_details: errorDetails, count: z.int().positive() })),
  start_time: z.iso.datetime(),
  end_time: z.iso.datetime().optional(),
  was_cancelled: z.boolean(),
  is_complete: z.boolean(),
});

const value = z.strictObject({ value: z.union([finite, z.array(finite.positive())]), unit: z.string() });

/** A line of `profile_export.jsonl`. Nanoseconds since 1970 lose their last digits in a number here. */
export const aiperfLine = z.strictObject({
  metadata: z.strictObject({
    session_num: count,
    x_request_id: z.string(),
    x_correlation_id: z.string(),
    conversation_id: z.string(),
    turn_index: count,
    credit_issued_ns: z.number().positive(),
    request_start_ns: z.number().positive(),
    request_ack_ns: z.null(),
    request_end_ns: z.number().positive(),
    worker_id: z.string(),
    record_processor_id: z.string(),
    benchmark_phase: z.literal('profiling'),
    was_cancelled: z.boolean(),
    cancellation_time_ns: z.number().nullable(),
  }),
  metrics: z.record(z.string(), value),
  error: errorDetails.nullable(),
});

const latencies = Object.fromEntries(
  ['ttft', 'tpot', 'itl', 'e2el'].flatMap((name) =>
    ['mean', 'median', 'std', 'p50', 'p90', 'p95', 'p99', 'p99.9'].map(
      (statistic) => [`${statistic}_${name}_ms`, finite.nonnegative().nullable()] as const,
    ),
  ),
);

/** `vllm bench serve --save-detailed`. */
export const vllmResult = z
  .strictObject({
    date: z.string().regex(/^\d{8}-\d{6}$/),
    written_by: z.string().startsWith('reprise-'),
    endpoint_type: z.string(),
    backend: z.string(),
    label: z.string(),
    model_id: z.string(),
    tokenizer_id: z.string(),
    num_prompts: count,
    request_rate: z.union([z.number().positive(), z.literal('inf')]),
    burstiness: finite,
    max_concurrency: count.nullable(),
    duration: finite.nonnegative(),
    completed: count,
    failed: count,
    total_input_tokens: count,
    total_output_tokens: count,
    request_throughput: finite.nullable(),
    request_goodput: finite.nullable(),
    output_throughput: finite.nullable(),
    total_token_throughput: finite.nullable(),
    ...latencies,
    input_lens: z.array(count),
    output_lens: z.array(count),
    ttfts: z.array(finite.nonnegative()),
    latencies: z.array(finite.nonnegative()),
    start_times: z.array(finite.nonnegative()),
    queue_times: z.array(finite.nonnegative()),
    errors: z.array(z.string()),
    itls: z.array(z.array(finite.nonnegative())),
  })
  .refine(
    ({ num_prompts, input_lens, output_lens, ttfts, latencies: ends, start_times, queue_times, errors, itls }) =>
      [input_lens, output_lens, ttfts, ends, start_times, queue_times, errors, itls].every(
        (list) => list.length === num_prompts,
      ),
    'a list has another length than num_prompts',
  );

/** A file of github-action-benchmark. */
export const githubEntries = z.array(
  z.strictObject({
    name: z.string(),
    unit: z.string(),
    value: finite,
    range: z.string().optional(),
    extra: z.string().optional(),
  }),
);

/** Bencher Metric Format. */
export const bmf = z.record(
  z.string().min(1).max(1024),
  z.record(
    z.string().min(1).max(64),
    z.strictObject({ value: finite, lower_value: finite.optional(), upper_value: finite.optional() }),
  ),
);
