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
   * none. What follows from it is due at `timeUs` or later.
   */
  ended(request: ScheduledRequest, outcome: Outcome, timeUs: number, response: ResponseInfo | null): Followers;
  /**
   * Completes a request that `ended` gave, such as with its body, some time before it is due. Absent: there is nothing
   * to do.
   */
  prepare?(request: ScheduledRequest): ScheduledRequest | Promise<ScheduledRequest>;
  /** What it gives from here on is due `us` earlier, and so is all that it gave and that has not been sent. */
  advance?(us: number): void;
  /** Releases the source or thread that it reads from. */
  close(): Promise<void>;
}

/** What the end of a request brings about. */
export interface Followers {
  /** Requests that become due because of it. */
  readonly due: readonly ScheduledRequest[];
  /** Requests that are never sent because of it. */
  readonly unsent: readonly ScheduledRequest[];
  /** `next` is to be called again at once, for what it gives then may be due now. */
  readonly asksForNext?: boolean;
}
export const NO_FOLLOWERS: Followers = { due: [], unsent: [] };

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
    ended: () => NO_FOLLOWERS,
    async close() {
      await batches.return?.();
    },
  };
}
