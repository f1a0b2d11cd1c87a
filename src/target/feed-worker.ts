import { limitsOf, makeCodec } from '../../adapters/index.ts';
import { openWorkload } from '../../workloads/open-workload.ts';
import { livePrompts, promptMaker } from '../../workloads/prompts/index.ts';
import type { Call } from '../core/codec.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { giveWay } from '../core/give-way.ts';
import { serveWorker } from '../core/worker.ts';
import {
  batchesOf,
  completing,
  FEED_BATCH,
  isFollower,
  readAhead,
  type FeedAnswer,
  type FeedQuestion,
  type FeedSpec,
} from './feed.ts';
import { LiveSessions } from './live-sessions.ts';

/**
 * The thread's side of `feedFromWorker`: one batch a question, bodies transferred rather than copied. Requests that wait
 * for others stay here with all that their bodies need, until they are asked for.
 */
serveWorker<FeedSpec, FeedQuestion, FeedAnswer>((spec) => {
  giveWay();
  const { workload, shard, thinks, historyForm, prompts } = spec;
  const codec = makeCodec(spec.adapter, spec.codec, promptMaker(prompts));
  const waiting = new Map<number, ScheduledRequest>();
  const live = historyForm === null ? null : new LiveSessions(livePrompts(prompts, historyForm), null);
  const complete = completing((request, position) => codec.open(request, position), live, shard);
  async function* batches(): AsyncGenerator<ScheduledRequest[]> {
    const read = (scheduled: ScheduledRequest): ScheduledRequest => {
      if (thinks && isFollower(scheduled.request)) waiting.set(scheduled.index, scheduled);
      return readAhead(scheduled, thinks, complete, live);
    };
    for await (const batch of batchesOf(await openWorkload(workload), shard, read, FEED_BATCH))
      yield batch.map(withoutContent);
  }
  const take = (index: number): ScheduledRequest => {
    const scheduled = waiting.get(index);
    if (scheduled === undefined) throw new Error(`request number ${index} does not wait for its calls`);
    waiting.delete(index);
    return scheduled;
  };
  const source = batches();
  return async (question, transfer) => {
    if (question === 'next') {
      const { value, done } = await source.next();
      if (done === true) return { kind: 'batch', batch: null };
      transfer(buffersOf(value.flatMap(({ calls }) => calls)));
      return { kind: 'batch', batch: value };
    }
    if ('open' in question) {
      const { calls, request } = complete(take(question.open));
      transfer(buffersOf(calls));
      return { kind: 'calls', calls, inputTokens: request.inputTokens };
    }
    if ('drop' in question) live?.drop(take(question.drop).request);
    else live?.ended(question.ended, question.response);
    return { kind: 'calls', calls: [], inputTokens: 0 };
  };
});

/** Only bodies need it, which are made here; of a trace's own body the limit of its answer is needed after. */
function withoutContent(scheduled: ScheduledRequest): ScheduledRequest {
  const { prompt: _prompt, payload, params: _params, blocks: _blocks, ...request } = scheduled.request;
  return { ...scheduled, request: payload === undefined ? request : { ...request, payload: limitsOf(payload) } };
}

function buffersOf(calls: readonly Call[]): ArrayBuffer[] {
  return calls.map(({ body }) => body.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
}
