import { extname } from 'node:path';
import type { CodecOptions } from '../../adapters/index.ts';
import type { PromptSpec } from '../../workloads/index.ts';
import type { Call } from '../core/codec.ts';
import type { Source, WorkloadSpec } from '../core/plan.ts';
import type { Request } from '../core/request.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import { isInShard, type Shard } from '../core/shard.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { startWorker } from '../core/worker.ts';

/**
 * Requests per batch from the worker thread: a larger batch would block the dispatch thread for longer than a token may
 * wait.
 */
export const FEED_BATCH = 32;
/** Requests per batch without bodies, made in this thread. */
const SOURCE_BATCH = 1024;

/** The plain data from which a worker thread makes the requests of a plan. */
export interface FeedSpec {
  readonly workload: WorkloadSpec;
  readonly shard: Shard;
  readonly adapter: string;
  readonly codec: CodecOptions;
  readonly prompts: PromptSpec;
  /** Whether requests that wait for others get their calls when they are asked for. */
  readonly thinks: boolean;
}

/** The requests of a plan in the trace's order, with their calls. */
export interface Feed {
  /** Resolves when the first batch is ready. */
  readonly ready: Promise<void>;
  readonly requests: AsyncIterable<readonly ScheduledRequest[]>;
  /** Makes the calls of a request that waited for others. */
  prepare(request: ScheduledRequest): ScheduledRequest | Promise<ScheduledRequest>;
  /** A request that waited for others is never sent. */
  drop(request: ScheduledRequest): void;
  /** Releases a feed that is not read to its end. */
  stop(): Promise<void>;
}

/** Requests made in this thread: for a target that needs no bodies, or a codec that only this thread can make. */
export function feedFromSource(
  source: Source,
  shard: Shard,
  open: (request: Request) => readonly Call[],
  { size = SOURCE_BATCH, thinks = false } = {},
): Feed {
  const openFirst = (request: Request): readonly Call[] => (thinks && isFollower(request) ? [] : open(request));
  return {
    ready: Promise.resolve(),
    requests: batchesOf(source, shard, openFirst, size),
    prepare: (scheduled) => ({ ...scheduled, calls: open(scheduled.request) }),
    drop: () => undefined,
    stop: async () => undefined,
  };
}

/** The requests of a shard with their calls, made batch by batch as the consumer reads. */
export async function* batchesOf(
  source: Source,
  shard: Shard,
  open: (request: Request) => readonly Call[],
  size: number,
): AsyncGenerator<ScheduledRequest[]> {
  let index = 0;
  let batch: ScheduledRequest[] = [];
  for await (const requests of source.open())
    for (const request of requests) {
      if (isInShard(shard, request, index)) batch.push(scheduledByTrace(index, request, open(request)));
      index++;
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
  if (batch.length > 0) yield batch;
}

/** Whether a request waits for others where sessions think. */
export function isFollower({ after = [] }: Request): boolean {
  return after.length > 0;
}

/** The next batch; or by its index the calls of a request that waited for others, or that it is never sent. */
export type FeedQuestion = 'next' | { readonly open: number } | { readonly drop: number };

/** The next batch, null: no more requests; or the calls that were asked for. */
export type FeedAnswer =
  | { readonly kind: 'batch'; readonly batch: readonly ScheduledRequest[] | null }
  | { readonly kind: 'calls'; readonly calls: readonly Call[] };

/**
 * Requests read, transformed and encoded in a worker thread, so that the dispatch thread never does it. One batch is
 * always ready; `ready` resolves with the first.
 */
export function feedFromWorker(spec: FeedSpec): Feed {
  const file = new URL(`./feed-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = startWorker<FeedSpec, FeedQuestion, FeedAnswer>(file, spec);
  const nextBatch = async (): Promise<readonly ScheduledRequest[] | null> => {
    const answer = await worker.ask('next');
    if (answer.kind !== 'batch') throw new Error('the feed was asked for a batch');
    return answer.batch;
  };
  const ask = (): ReturnType<typeof nextBatch> => {
    const answer = nextBatch();
    // Its rejection is handled one batch later, or never.
    answer.catch(() => undefined);
    return answer;
  };
  let ahead = ask();
  async function* requests(): AsyncGenerator<readonly ScheduledRequest[]> {
    try {
      for (;;) {
        const batch = await ahead;
        if (batch === null) return;
        ahead = ask();
        yield batch;
      }
    } finally {
      // Requests that wait for others still get their calls when all have been read.
      if (!spec.thinks) await worker.terminate();
    }
  }
  return {
    ready: ahead.then(() => undefined),
    requests: requests(),
    async prepare(scheduled) {
      const answer = await worker.ask({ open: scheduled.index });
      if (answer.kind !== 'calls') throw new Error('the feed was asked for calls');
      return { ...scheduled, calls: answer.calls };
    },
    drop: ({ index }) => worker.post({ drop: index }),
    stop: () => worker.terminate(),
  };
}
