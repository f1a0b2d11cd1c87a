import { z } from 'zod';
import { count, quantiles, type DeepReadonly } from './parts.ts';

/** Times in which the client did something else than it should, over a run. */
export const pauses = z
  .strictObject({
    share: z.number().describe('Of the run.'),
    longest_ms: z.number(),
    longest_at_s: z.number().describe("When it began, from the run's start."),
  })
  .nullable()
  .default(null);
export type Pauses = DeepReadonly<z.infer<typeof pauses>>;

export const stimulus = z
  .strictObject({
    requests: count.describe('Measured requests that were sent.'),
    gaps_apart: z
      .number()
      .nullable()
      .describe(
        'How far the distribution of the gaps between requests as they left is from that of the gaps between due times: the Kolmogorov-Smirnov distance, where gaps count as equal up to gap_tolerance_ms; null: fewer than two requests.',
      ),
    gap_tolerance_ms: z.number().describe('1 ms, a tenth of the mean planned gap where that is more.'),
    bursts: z
      .strictObject({
        bursts: count,
        requests: count,
        skew_ms: quantiles.describe('How long after the first of its burst a request left.'),
        skew_p99_limit_ms: z
          .number()
          .describe('Largest valid p99: 10 ms, a tenth of the TTFT p50 from sending where that is more.'),
        skewed: count.describe('Requests beyond this limit.'),
      })
      .nullable()
      .describe('Requests that were due at one instant; null: there were none.'),
    rate: z.number().nullable().describe('Rate at which requests left over the rate at which these were due.'),
  })
  .describe('Whether what was sent is what was planned, connecting and waiting for a place left out.');
export type Stimulus = DeepReadonly<z.infer<typeof stimulus>>;
