import { z } from 'zod';
import { count, type DeepReadonly } from './parts.ts';

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
export const latencyTable = z.strictObject({
  ttft: latencyStats,
  tpot: latencyStats,
  itl: latencyStats,
  e2e: latencyStats,
} satisfies Record<LatencyMetric, z.ZodType>);
export type LatencyTable = DeepReadonly<z.infer<typeof latencyTable>>;
