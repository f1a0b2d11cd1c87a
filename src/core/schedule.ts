import type { Call } from './codec.ts';
import type { Outcome } from './record.ts';
import type { Request } from './request.ts';
import type { ScheduledRequest } from './target.ts';

/** Decides which requests are due next, and when: in the trace's order, or as answers allow. */
export interface Schedule {
  /**
   * The next requests whose due times are decided, in order of them; null when nothing follows but what `ended` gives.
   * Not called again before it has answered.
   */
  next(): Promise<readonly ScheduledRequest[] | null>;
  /** `request` has ended at `timeUs` of the run: the requests that are due because of it, none of them earlier. */
  ended(request: ScheduledRequest, outcome: Outcome, timeUs: number): readonly ScheduledRequest[];
  /** Lets go of what it reads from, wherever it is. */
  close(): Promise<void>;
}

/** A request that is due when the trace says. */
export function scheduledByTrace(index: number, request: Request, calls: readonly Call[] = []): ScheduledRequest {
  return { index, request, dueUs: request.dueUs, calls };
}

/** Every request when the trace says, whatever becomes of the others: open loop. */
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
