import { z } from 'zod';
import { aside, tokenCount } from '../checked.ts';

/** Seconds since 1970; versions before 0.4 have -1 where something did not happen. */
const instant = z.number('expected seconds since 1970').nullish();
const usage = z
  .object({
    total_tokens: tokenCount.nullish(),
    text_tokens: tokenCount.nullish(),
    cached_tokens: tokenCount.nullish(),
  })
  .nullish();

/** A request as versions from 0.4 on keep it (`info`), and as those from 0.2 on do (`start_time`, ...). */
const request = z.object({
  request_id: aside(z.string()),
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
      conversation_id: aside(z.string()),
      turn_index: aside(z.int().nonnegative()),
      error: aside(z.string()),
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
  error: aside(z.string()),
});
export type GuidellmRequest = z.infer<typeof request>;

const requestList = z.array(request, 'expected a list').nullish();
const strategy = z.object({
  type_: aside(z.string()),
  rate: aside(z.number()),
  streams: aside(z.number()),
  max_concurrency: aside(z.number()),
});
export type Strategy = z.infer<typeof strategy>;
/** How many requests there were of each kind, whatever is kept of them. */
const totals = aside(z.object({ successful: z.int(), errored: z.int() }));
export const benchmarkSchema = z.object({
  config: aside(
    z.object({
      strategy: aside(strategy),
      backend: aside(z.object({ target: aside(z.string()), model: aside(z.string()), kind: aside(z.string()) })),
    }),
  ),
  args: aside(z.object({ strategy: aside(strategy) })),
  worker: aside(z.object({ backend_target: aside(z.string()), backend_model: aside(z.string()) })),
  duration: aside(z.number()),
  /** Of the part that is measured, seconds since 1970. */
  start_time: aside(z.number()),
  end_time: aside(z.number()),
  /** Seconds ahead of it and after it. */
  warmup_duration: aside(z.number()),
  cooldown_duration: aside(z.number()),
  request_totals: totals,
  scheduler_metrics: aside(z.object({ requests_made: totals })),
  requests: z.object(
    { successful: requestList, incomplete: requestList, errored: requestList },
    'expected the requests of the benchmark',
  ),
});
export type Benchmark = z.infer<typeof benchmarkSchema>;

export const reportSchema = z.object({
  metadata: aside(z.object({ guidellm_version: aside(z.string()) })),
  benchmarks: z.array(z.unknown(), 'expected a list of benchmarks').min(1, 'expected at least one benchmark'),
});
