import { z } from 'zod';

/** What the process of the truth server is told, over the channel to its parent. */
export const serverOrder = z.discriminatedUnion('kind', [
  /** Forgets what was written; from here on a stream gets a token in each period. */
  z.strictObject({ kind: z.literal('begin'), periodMs: z.int().positive() }),
  z.strictObject({ kind: z.literal('truth') }),
]);
export type ServerOrder = z.infer<typeof serverOrder>;

/** What it says: once that it listens, then an answer to each order. */
export const serverAnswer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('listening'), port: z.int() }),
  z.strictObject({ kind: z.literal('begun') }),
  z.strictObject({
    kind: z.literal('truth'),
    /** Of calls, each with so many of the instants. */
    ids: z.array(z.string()),
    counts: z.array(z.int()),
    /** Microseconds of CLOCK_MONOTONIC. */
    writtenUs: z.instanceof(Float64Array),
  }),
]);
export type ServerAnswer = z.infer<typeof serverAnswer>;
