import { z } from 'zod';
import { aside, duration, tokenCount } from '../checked.ts';

/** Microseconds in a unit of time, as AIPerf names it. */
export const US_PER: Readonly<Record<string, number>> = { ns: 1e-3, us: 1, ms: 1e3, sec: 1e6, s: 1e6 };

const unit = z.enum(Object.keys(US_PER), 'expected ns, us, ms or sec');
const usPer = (name: string): number => US_PER[name] ?? 1;

/** A time in microseconds; null: it could not be computed. */
const time = z
  .object({ value: duration.nullable(), unit })
  .transform((metric) => (metric.value === null ? null : metric.value * usPer(metric.unit)));
/** Times in microseconds; null where it is an average alone. */
const times = z
  .object({ value: z.union([z.number(), z.array(duration)], 'expected a list of durations').nullable(), unit })
  .transform((metric) => (Array.isArray(metric.value) ? metric.value.map((each) => each * usPer(metric.unit)) : null));
const tokens = z.object({ value: tokenCount.nullable() }).transform(({ value }) => value);

/** Nanoseconds of the Unix epoch. */
const instant = z.number('expected nanoseconds since 1970').nonnegative('expected nanoseconds since 1970');

/** A line of `profile_export.jsonl`: a request. */
export const aiperfLine = z.object({
  metadata: z.object({
    x_request_id: aside(z.string()),
    x_correlation_id: aside(z.string()),
    turn_index: aside(z.int().nonnegative()),
    credit_issued_ns: instant.nullish(),
    request_start_ns: instant,
    request_end_ns: instant.nullish(),
    benchmark_phase: z.string().nullish(),
    phase_kind: z.string().nullish(),
    was_cancelled: z.boolean().nullish(),
  }),
  metrics: z
    .object({
      time_to_first_token: time.nullish(),
      request_latency: time.nullish(),
      inter_chunk_latency: times.nullish(),
      http_req_connecting: time.nullish(),
      input_sequence_length: tokens.nullish(),
      error_isl: tokens.nullish(),
      output_sequence_length: tokens.nullish(),
      output_token_count: tokens.nullish(),
      reasoning_token_count: tokens.nullish(),
      usage_prompt_tokens: tokens.nullish(),
      usage_completion_tokens: tokens.nullish(),
      usage_prompt_cache_read_tokens: tokens.nullish(),
    })
    .nullish(),
  error: z.object({ code: aside(z.int()), type: aside(z.string()), message: aside(z.string()) }).nullish(),
});
export type AiperfLine = z.infer<typeof aiperfLine>;

/** What `profile_export_aiperf.json` says of the run; all of it may be missing. */
export const aiperfSummary = z.object({
  aiperf_version: aside(z.string()),
  was_cancelled: aside(z.boolean()),
  benchmark_duration: aside(z.object({ avg: z.number(), unit: z.enum(Object.keys(US_PER)) })),
  input_config: aside(
    z.object({
      endpoint: aside(
        z.object({
          type: aside(z.string()),
          urls: aside(z.array(z.string())),
          url: aside(z.string()),
          model_names: aside(z.array(z.string())),
        }),
      ),
      models: aside(z.object({ items: aside(z.array(z.object({ name: aside(z.string()) }))) })),
    }),
  ),
});
