import { z } from 'zod';

/** What `z.infer` gives, to be read and never changed. */
export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** A number of things: requests, tokens, GPUs. */
export const count = z.int().nonnegative();

export const quantiles = z.strictObject({ p50: z.number(), p90: z.number(), p99: z.number(), max: z.number() });

export const transforms = z
  .array(z.strictObject({ op: z.string(), args: z.record(z.string(), z.union([z.number(), z.string()])) }))
  .describe('What was done to the requests of the trace, in order.');

export const limitsMs = z
  .strictObject({
    ttft: z.number().exactOptional(),
    tpot: z.number().exactOptional(),
    e2e: z.number().exactOptional(),
  })
  .describe('Limits of the SLO in milliseconds; a latency without a limit is not judged.');

/** An SLO as it was asked for. */
export const slo = z.strictObject({
  text: z.string().describe('As it was asked for: the limits, or the name of a profile.'),
  profile: z
    .strictObject({ name: z.string(), source: z.string() })
    .exactOptional()
    .describe('Where the limits have a published name.'),
  limits_ms: limitsMs,
});
