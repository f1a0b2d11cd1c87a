import type { Call } from './codec.ts';
import type { Outcome } from './record.ts';
import type { Request } from './request.ts';
import type { ResponseInfo, ScheduledRequest } from './target.ts';

/** Decides which requests are due next, and when: in the trace's order, or as responses end. */
export interface Schedule {
  /** How long before the last of a batch is due the next is asked for, in microseconds; absent: 10 s. */
  readonly aheadUs?: number;
  /**
   * The next requests whose due times are decided, in order of due time; null: none are until a request in flight ends,
   * after which it is called again. The replay is over when it is null and none is in flight. Called again only after its
   * promise has settled.
   */
  next(): Promise<readonly ScheduledRequest[] | null>;
  /**
   * `request` has ended at `timeUs` of the run; `response`: what its target knows of the answer, null where it has
   * none. Returns the requests that become due because of it, none earlier than `timeUs`.
   */
  ended(
    request: ScheduledRequest,
    outcome: Outcome,
    timeUs: number,
    response: ResponseInfo | null,
  ): readonly ScheduledRequest[];
  /** Releases the source or thread that it reads from. */
  close(): Promise<void>;
}

/** A request that is due at its time in the trace. */
export function scheduledByTrace(index: number, request: Request, calls: readonly Call[] = []): ScheduledRequest {
  return { index, request, dueUs: request.dueUs, calls };
}

/** Every request at its time in the trace, however the others end: open loop. */
export function traceOrder(feed: AsyncIterable<readonly ScheduledRequest[]>): Schedule {
  const batches = feed[Symbol.asyncIterator]();
  return {
    async next() {
      const batch = await batches.next();
      return batch.done === true ? null : batch.value;
    },
    ended: () => [],
    async close() {
      await batches.return?.();
    },
  };
}
