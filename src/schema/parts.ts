import { z } from 'zod';
import type { ItlMetric, SloMetric } from '../core/slo.ts';

/** What `z.infer` gives, to be read and never changed. */
export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** A number of things: requests, tokens, GPUs. */
export const count = z.int().nonnegative();

export const quantiles = z.strictObject({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() });

export const transforms = z
  .array(z.strictObject({ op: z.string(), args: z.record(z.string(), z.union([z.number(), z.string()])) }))
  .describe('What was done to the requests of the trace, in order.');

/** A number for each metric of an SLO, where there is one. */
const byMetric = {
  ttft: z.number().exactOptional(),
  tpot: z.number().exactOptional(),
  e2e: z.number().exactOptional(),
  'itl.p50': z.number().exactOptional(),
  'itl.p90': z.number().exactOptional(),
  'itl.p95': z.number().exactOptional(),
  'itl.p99': z.number().exactOptional(),
  'itl.max': z.number().exactOptional(),
} satisfies Record<SloMetric, z.ZodType>;

/** The limits of requests of one class. */
export const classLimitsMs = z
  .strictObject(byMetric)
  .describe('Milliseconds; a latency without a limit is not judged.');

export const limitsMs = z
  .strictObject({
    ...byMetric,
    by_class: z
      .record(z.string(), classLimitsMs)
      .exactOptional()
      .describe('Of the requests of these classes, in place of the limits beside it.'),
  })
  .describe(
    'Limits of the SLO in milliseconds; a latency without a limit is not judged. itl.p99: of the gaps between the tokens of a request, nearest rank.',
  );

/** Shares that meet a limit on gaps between tokens alone, where there is such a limit. */
export const itlShares = {
  'itl.p50': z.number().exactOptional(),
  'itl.p90': z.number().exactOptional(),
  'itl.p95': z.number().exactOptional(),
  'itl.p99': z.number().exactOptional(),
  'itl.max': z.number().exactOptional(),
} satisfies Record<ItlMetric, z.ZodType>;

/** An SLO as it was asked for. */
export const slo = z.strictObject({
  text: z.string().describe('As it was asked for: the limits, or the name of a profile.'),
  profile: z
    .strictObject({ name: z.string(), source: z.string() })
    .exactOptional()
    .describe('Where the limits have a published name.'),
  limits_ms: limitsMs,
});
