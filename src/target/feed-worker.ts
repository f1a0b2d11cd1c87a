import { parentPort, workerData } from 'node:worker_threads';
import { makeCodec } from '../../adapters/index.ts';
import { promptMaker } from '../../workloads/index.ts';
import { messageOf } from '../core/errors.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { FEED_BATCH, type FeedMessage, type FeedSpec } from './feed.ts';
import { openWorkload } from '../../workloads/open-workload.ts';

/** The other side of `feedFromWorker`: one batch for each message it gets, bodies transferred rather than copied. */
async function* batches(spec: FeedSpec): AsyncGenerator<ScheduledRequest[]> {
  const codec = makeCodec(spec.adapter, spec.codec, promptMaker(spec.prompts));
  const source = await openWorkload(spec.workload);
  let batch: ScheduledRequest[] = [];
  let index = 0;
  for await (const requests of source.open()) {
    for (const request of requests) {
      batch.push(scheduledByTrace(index++, request, codec.open(request)));
      if (batch.length < FEED_BATCH) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function buffersOf(batch: readonly ScheduledRequest[]): ArrayBuffer[] {
  return batch
    .flatMap((planned) => planned.calls.map((call) => call.body.buffer))
    .filter((buffer) => buffer instanceof ArrayBuffer);
}

const port = parentPort;
if (port === null) throw new Error('feed-worker runs in a worker thread');
const spec: FeedSpec = workerData;
const source = batches(spec);
port.on('message', () => {
  source.next().then(
    ({ value, done }) => {
      const message: FeedMessage = done === true ? { kind: 'done' } : { kind: 'batch', batch: value };
      port.postMessage(message, done === true ? [] : buffersOf(value));
    },
    (thrown: unknown) => port.postMessage({ kind: 'fault', message: messageOf(thrown) } satisfies FeedMessage),
  );
});
