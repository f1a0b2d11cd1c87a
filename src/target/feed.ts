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

/** Requests that come from a thread at a time: more would hold the dispatch thread up for longer than a token may wait. */
export const FEED_BATCH = 32;
/** Requests without bodies, in the same thread. */
const SOURCE_BATCH = 1024;

/** What a worker thread makes the requests of a plan from: plain data. */
export interface FeedSpec {
  readonly workload: WorkloadSpec;
  readonly shard: Shard;
  readonly adapter: string;
  readonly codec: CodecOptions;
  readonly prompts: PromptSpec;
}

/** The requests of a plan in the trace's order, with their calls. */
export interface Feed {
  /** Resolves when the first of them are there. */
  readonly ready: Promise<void>;
  readonly requests: AsyncIterable<readonly ScheduledRequest[]>;
  /** Lets go of a feed that will not be read to its end. */
  stop(): Promise<void>;
}

/** Made in this thread: for a target that needs no bodies, or a codec that no other thread can make. */
export function feedFromSource(source: Source, shard: Shard, open: (request: Request) => readonly Call[]): Feed {
  return {
    ready: Promise.resolve(),
    requests: batchesOf(source, shard, open, SOURCE_BATCH),
    stop: async () => undefined,
  };
}

/** The requests of a shard with their calls, which are made batch by batch, as they are asked for. */
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

/** What the worker answers to `next`; null: there are no more. */
export type FeedAnswer = readonly ScheduledRequest[] | null;

/**
 * Read, transformed and encoded in a worker thread so that the dispatch thread never does. One batch is always ready;
 * `ready` resolves with the first.
 */
export function feedFromWorker(spec: FeedSpec): Feed {
  const file = new URL(`./feed-worker${extname(import.meta.filename)}`, import.meta.url);
  const worker = startWorker<FeedSpec, 'next', FeedAnswer>(file, spec);
  const ask = (): Promise<FeedAnswer> => {
    const answer = worker.ask('next');
    // It is read one batch later, or never.
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
      await worker.terminate();
    }
  }
  return { ready: ahead.then(() => undefined), requests: requests(), stop: () => worker.terminate() };
}
