import { extname } from 'node:path';
import type { CodecOptions } from '../../adapters/index.ts';
import type { PromptSpec } from '../../workloads/index.ts';
import type { Call, Codec } from '../core/codec.ts';
import type { PlanStats, Source, WorkloadSpec } from '../core/plan.ts';
import type { Prompt, Request } from '../core/request.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import { isInShard, WHOLE, type Shard } from '../core/shard.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { startWorker } from '../core/worker.ts';
import { bodyBytes, LOOK_AHEAD_BYTES, LOOK_AHEAD_US } from '../replay/look-ahead.ts';
import type { LiveResponse, LiveSessions } from './live-sessions.ts';

/**
 * Requests per batch from the worker thread: a larger batch would block the dispatch thread for longer than a token may
 * wait.
 */
export const FEED_BATCH = 32;
/** Requests per batch without bodies, made in this thread. */
const SOURCE_BATCH = 1024;
/** Made before a replay begins, some second of work, even if more are due in its first seconds. */
const MOST_FIRST = 20_000;

/** The plain data from which a worker thread makes the requests of a plan. */
export interface FeedSpec {
  readonly workload: WorkloadSpec;
  readonly shard: Shard;
  readonly adapter: string;
  readonly codec: CodecOptions;
  readonly prompts: PromptSpec;
  /** Whether requests that wait for others get their calls when they are asked for. */
  readonly thinks: boolean;
  /** Form of prompts that repeat the answers of the run; null: they are those of the trace. */
  readonly historyForm: Prompt['kind'] | null;
}

/** The requests of a plan in the trace's order, with their calls. */
export interface Feed {
  /** Resolves when the requests are ready with which a replay begins. */
  readonly ready: Promise<void>;
  readonly requests: AsyncIterable<readonly ScheduledRequest[]>;
  /** Makes the calls of a request that waited for others. */
  prepare(request: ScheduledRequest): ScheduledRequest | Promise<ScheduledRequest>;
  /** A request has ended; `response`: null where it had none. */
  ended(request: ScheduledRequest, response: LiveResponse | null): void;
  /** A request that waited for others is never sent. */
  drop(request: ScheduledRequest): void;
  /** Releases a feed that is not read to its end. */
  stop(): Promise<void>;
}

/**
 * Requests made in this thread: for a target that needs no bodies, or a codec that only this thread can make. `thinks`:
 * requests that wait for others are completed when they are asked for; `live`: their prompts repeat the answers of the run.
 */
export function feedFromSource(
  source: Source,
  shard: Shard,
  open: Codec['open'],
  options: { readonly size?: number; readonly thinks?: boolean; readonly live?: LiveSessions | null } = {},
): Feed {
  const { size = SOURCE_BATCH, thinks = false, live = null } = options;
  const complete = completing(open, live, shard);
  return {
    ready: Promise.resolve(),
    requests: batchesOf(source, shard, (scheduled) => readAhead(scheduled, thinks, complete, live), size),
    prepare: complete,
    ended: ({ request }, response) => live?.ended(request.id, response),
    drop: ({ request }) => live?.drop(request),
    stop: async () => undefined,
  };
}

/**
 * All requests of a short plan, made in this thread before its replay begins: a thread costs as much CPU, until it runs,
 * as making thousands of them.
 */
export function feedAhead(source: Source, open: Codec['open']): Feed {
  const feed = feedFromSource(source, WHOLE, open, { size: FEED_BATCH });
  const made: (readonly ScheduledRequest[])[] = [];
  const makeAll = async (): Promise<void> => {
    for await (const batch of feed.requests) made.push(batch);
  };
  const ready = makeAll();
  // Its rejection is handled by who waits for it, or never.
  ready.catch(() => undefined);
  return { ...feed, ready, requests: madeBefore(ready, made) };
}

/** Whether a plan is one for `feedAhead`: a fraction of a second of work. Bodies of the trace's own may be of any size. */
export function isShort({ requests, inputTokens, ownPrompts }: PlanStats): boolean {
  return requests <= 2000 && inputTokens <= 300_000 && ownPrompts === undefined;
}

/** Batches that are all there once `ready` resolves, each of which is let go as it is read. */
async function* madeBefore(
  ready: Promise<void>,
  batches: (readonly ScheduledRequest[])[],
): AsyncGenerator<readonly ScheduledRequest[]> {
  await ready;
  for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) yield batch;
}

type Complete = (scheduled: ScheduledRequest) => ScheduledRequest;

/** Gives a request of a shard its prompt, where it depends on answers, and its calls. */
export function completing(open: Codec['open'], live: LiveSessions | null, { of }: Shard): Complete {
  return (scheduled) => {
    const { request, ...rest } = live === null ? scheduled : live.complete(scheduled);
    return { ...rest, request, calls: of === 1 ? open(request) : open(request, scheduled.index) };
  };
}

/** A request as it is read: complete, unless it waits for others. */
export function readAhead(
  scheduled: ScheduledRequest,
  thinks: boolean,
  complete: Complete,
  live: LiveSessions | null,
): ScheduledRequest {
  live?.expect(scheduled.request);
  return thinks && isFollower(scheduled.request) ? scheduled : complete(scheduled);
}

/** The requests of a shard, `complete` as the consumer reads them batch by batch. */
export async function* batchesOf(
  source: Source,
  shard: Shard,
  complete: Complete,
  size: number,
): AsyncGenerator<ScheduledRequest[]> {
  let index = 0;
  let batch: ScheduledRequest[] = [];
  for await (const requests of source.open())
    for (const request of requests) {
      if (isInShard(shard, request, index)) batch.push(complete(scheduledByTrace(index, request)));
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

/**
 * The next batch; or by its index a request that waited for others, to be completed, or that it is never sent; or by its
 * id what came of one.
 */
export type FeedQuestion =
  | 'next'
  | { readonly open: number }
  | { readonly drop: number }
  | { readonly ended: string; readonly response: LiveResponse | null };

/** The next batch, null: no more requests; or the calls that were asked for, and the tokens of their prompt. */
export type FeedAnswer =
  | { readonly kind: 'batch'; readonly batch: readonly ScheduledRequest[] | null }
  | { readonly kind: 'calls'; readonly calls: readonly Call[]; readonly inputTokens: number };

/**
 * Requests read, transformed and encoded in a worker thread, so that the dispatch thread never does it. What a replay
 * takes at its start is made before: it would take a core from the first requests, and thousands of new objects at once
 * make V8's next two collections of garbage 20 to 40 ms long. From then on one batch is always ready.
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
  const first: (readonly ScheduledRequest[])[] = [];
  const readFirst = async (): Promise<void> => {
    // Where sessions think, it is the answers that decide what is due.
    const most = spec.thinks ? 1 : MOST_FIRST;
    let [count, bytes, dueUs] = [0, 0, 0];
    while (count < most && bytes < LOOK_AHEAD_BYTES && dueUs < LOOK_AHEAD_US) {
      const batch = await ahead;
      if (batch === null) return;
      ahead = ask();
      first.push(batch);
      count += batch.length;
      for (const request of batch) bytes += bodyBytes(request);
      dueUs = batch.at(-1)?.dueUs ?? dueUs;
    }
  };
  const ready = readFirst();
  // Its rejection is handled by who waits for it, or never.
  ready.catch(() => undefined);
  async function* requests(): AsyncGenerator<readonly ScheduledRequest[]> {
    try {
      yield* madeBefore(ready, first);
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
    ready,
    requests: requests(),
    async prepare(scheduled) {
      const answer = await worker.ask({ open: scheduled.index });
      if (answer.kind !== 'calls') throw new Error('the feed was asked for calls');
      const { calls, inputTokens } = answer;
      return { ...scheduled, request: { ...scheduled.request, inputTokens }, calls };
    },
    ended({ request }, response) {
      if (spec.historyForm !== null) worker.post({ ended: request.id, response: ofResponse(response) });
    },
    drop: ({ index }) => worker.post({ drop: index }),
    stop: () => worker.terminate(),
  };
}

/** Only what the prompt of the next turn needs goes to the thread. */
function ofResponse(response: LiveResponse | null): LiveResponse | null {
  if (response === null) return null;
  const { answer, outputTokens, reasoningTokens } = response;
  return { ...(answer === undefined ? {} : { answer }), outputTokens, reasoningTokens };
}
