import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CodecOptions } from '../../adapters/index.ts';
import type { PromptSpec } from '../../workloads/index.ts';
import { UserError } from '../core/errors.ts';
import type { Source } from '../core/plan.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import type { ScheduledRequest } from '../core/target.ts';
import type { WorkloadSpec } from '../run/run-spec.ts';

/** Requests handed over at a time: more would hold the dispatch thread up for longer than a token may wait. */
export const FEED_BATCH = 32;

export interface FeedSpec {
  readonly workload: WorkloadSpec;
  readonly adapter: string;
  readonly codec: CodecOptions;
  readonly prompts: PromptSpec;
}

export type FeedMessage =
  | { readonly kind: 'batch'; readonly batch: readonly ScheduledRequest[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'fault'; readonly message: string };

/** The plan's requests without bodies, for a target that needs none. */
export async function* feedRequests(source: Source): AsyncGenerator<readonly ScheduledRequest[]> {
  let index = 0;
  for await (const batch of source.open()) yield batch.map((request) => scheduledByTrace(index++, request));
}

interface WorkerFeed {
  readonly ready: Promise<void>;
  readonly feed: AsyncIterable<readonly ScheduledRequest[]>;
  /** Ends the thread of a feed that will not be read: to return it before its first batch would not. */
  stop(): Promise<void>;
}

/**
 * The plan's requests with their bodies, read, transformed and encoded in a worker thread so that the dispatch thread
 * never does. One batch is always ready; `ready` resolves with the first.
 */
export function feedFromWorker(spec: FeedSpec): WorkerFeed {
  const worker = new Worker(new URL(`./feed-worker${extname(import.meta.filename)}`, import.meta.url), {
    workerData: spec,
  });
  const ask = (): Promise<FeedMessage> => {
    const answer = new Promise<FeedMessage>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    worker.postMessage('next');
    return answer;
  };
  let ahead = ask();
  async function* feed(): AsyncGenerator<readonly ScheduledRequest[]> {
    try {
      for (;;) {
        const message = await ahead;
        worker.removeAllListeners('error');
        if (message.kind === 'fault') throw new UserError(message.message);
        if (message.kind === 'done') return;
        ahead = ask();
        yield message.batch;
      }
    } finally {
      ahead.catch(() => undefined);
      await worker.terminate();
    }
  }
  return {
    ready: ahead.then(() => undefined),
    feed: feed(),
    stop: async () => {
      ahead.catch(() => undefined);
      await worker.terminate();
    },
  };
}
