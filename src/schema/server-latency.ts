import { z } from 'zod';
import { count, type DeepReadonly } from './parts.ts';

const serverGauge = z.strictObject({ mean: z.number(), max: z.number() });
export type ServerGauge = DeepReadonly<z.infer<typeof serverGauge>>;

export const bucketQuantile = z
  .strictObject({
    ms: z
      .number()
      .nullable()
      .describe('On a straight line through the bucket; null in the last bucket, which has no end.'),
    bucket_ms: z.tuple([z.number(), z.number().nullable()]).describe('From, to.'),
  })
  .describe('A quantile of a histogram: all that is sure are the bounds of its bucket.');
export type BucketQuantile = DeepReadonly<z.infer<typeof bucketQuantile>>;

export const serverLatency = z
  .strictObject({
    n: z.number(),
    mean: z.number(),
    p50: bucketQuantile.nullable(),
    p90: bucketQuantile.nullable(),
    p99: bucketQuantile.nullable(),
  })
  .describe('Milliseconds, as the server measured them between two scrapes.');
export type ServerLatency = DeepReadonly<z.infer<typeof serverLatency>>;

export const server = z
  .strictObject({
    scrapes: count,
    scrapes_failed: count,
    counted_from_s: z.number().describe("Counters and histograms are counted from here, from the run's start."),
    counted_to_s: z.number(),
    running: serverGauge.nullable().describe('Requests, while measured ones were due.'),
    waiting: serverGauge.nullable().describe('Requests, while measured ones were due.'),
    kv_usage: serverGauge.nullable().describe('Share of the KV cache in use, of the fullest engine.'),
    prefix_hit_rate: z.number().nullable().describe('Share of prompt tokens that were found in the prefix cache.'),
    preemptions: z.number().nullable(),
    iteration_tokens: z.number().nullable().default(null).describe('Tokens that an iteration computed, on average.'),
    latency_ms: z.strictObject({
      ttft: serverLatency.nullable(),
      itl: serverLatency.nullable(),
      queue: serverLatency.nullable().describe('From arrival until a request first ran.'),
    }),
  })
  .describe("The server's own metrics (server.parquet), which count the requests of every client.");
