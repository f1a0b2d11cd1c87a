import { limitsOf, makeCodec } from '../../adapters/index.ts';
import { openWorkload, promptMaker } from '../../workloads/index.ts';
import type { Call } from '../core/codec.ts';
import type { Request } from '../core/request.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { serveWorker } from '../core/worker.ts';
import { batchesOf, FEED_BATCH, isFollower, type FeedAnswer, type FeedQuestion, type FeedSpec } from './feed.ts';

/**
 * The thread's side of `feedFromWorker`: one batch a question, bodies transferred rather than copied. Requests that wait
 * for others stay here with all that their bodies need, until they are asked for.
 */
serveWorker<FeedSpec, FeedQuestion, FeedAnswer>((spec) => {
  const { workload, shard, thinks } = spec;
  const codec = makeCodec(spec.adapter, spec.codec, promptMaker(spec.prompts));
  const waiting = new Map<number, Request>();
  const open = (request: Request): readonly Call[] => (thinks && isFollower(request) ? [] : codec.open(request));
  async function* batches(): AsyncGenerator<ScheduledRequest[]> {
    for await (const batch of batchesOf(await openWorkload(workload), shard, open, FEED_BATCH))
      yield batch.map(keepContent);
  }
  /** Only bodies need it, which are made here; of a body of the trace's own the limit of its answer is needed after. */
  const keepContent = (scheduled: ScheduledRequest): ScheduledRequest => {
    const { prompt: _prompt, payload, params: _params, blocks: _blocks, ...request } = scheduled.request;
    if (thinks && isFollower(scheduled.request)) waiting.set(scheduled.index, scheduled.request);
    return { ...scheduled, request: payload === undefined ? request : { ...request, payload: limitsOf(payload) } };
  };
  const source = batches();
  return async (question, transfer) => {
    if (question === 'next') {
      const { value, done } = await source.next();
      if (done === true) return { kind: 'batch', batch: null };
      transfer(buffersOf(value.flatMap(({ calls }) => calls)));
      return { kind: 'batch', batch: value };
    }
    const request = waiting.get('open' in question ? question.open : question.drop);
    waiting.delete('open' in question ? question.open : question.drop);
    if ('drop' in question) return { kind: 'calls', calls: [] };
    if (request === undefined) throw new Error(`request number ${question.open} does not wait for its calls`);
    const calls = codec.open(request);
    transfer(buffersOf(calls));
    return { kind: 'calls', calls };
  };
});

function buffersOf(calls: readonly Call[]): ArrayBuffer[] {
  return calls.map(({ body }) => body.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
}
