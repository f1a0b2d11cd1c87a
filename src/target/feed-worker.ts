import { makeCodec } from '../../adapters/index.ts';
import { openWorkload, promptMaker } from '../../workloads/index.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { serveWorker } from '../core/worker.ts';
import { batchesOf, FEED_BATCH, type FeedAnswer, type FeedSpec } from './feed.ts';

/** The thread's side of `feedFromWorker`: one batch per question, bodies transferred rather than copied. */
serveWorker<FeedSpec, 'next', FeedAnswer>((spec) => {
  const batches = open(spec);
  return async (_question, transfer) => {
    const { value, done } = await batches.next();
    if (done === true) return null;
    transfer(buffersOf(value));
    return value;
  };
});

async function* open({
  workload,
  shard,
  adapter,
  codec: options,
  prompts,
}: FeedSpec): AsyncGenerator<ScheduledRequest[]> {
  const codec = makeCodec(adapter, options, promptMaker(prompts));
  yield* batchesOf(await openWorkload(workload), shard, (request) => codec.open(request), FEED_BATCH);
}

function buffersOf(batch: readonly ScheduledRequest[]): ArrayBuffer[] {
  return batch
    .flatMap(({ calls }) => calls.map((call) => call.body.buffer))
    .filter((buffer) => buffer instanceof ArrayBuffer);
}
