import { z } from 'zod';
import { count, quantiles, type DeepReadonly } from './parts.ts';

export const lengthStats = z
  .strictObject({ mean: z.number(), p50: count, p90: count, p99: count, max: count })
  .describe('Tokens of a request.');
export type LengthStats = DeepReadonly<z.infer<typeof lengthStats>>;

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

export const delivered = z
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

export const held = z
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
