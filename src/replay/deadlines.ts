import type { Clock } from '../core/clock.ts';

/** The places of those that are over are dropped when there are so many of them, and half of the list is of them. */
const DROP_FROM = 1024;

/** Watches requests that have equal time from when they are added. */
export interface Deadlines {
  add(index: number): void;
}

/** Calls `then` once all that has arrived by now has been reported. */
export type AfterArrivals = (then: () => void) => void;

/**
 * Calls `tooLate` for each request that is still open `afterUs` after it was added, when all that had come by then has been
 * read: of a client that stood still, answers wait unread. Only the first that is open is on the clock: an event for each
 * would stay there for minutes after its request has ended, for as many requests as come in them.
 */
export function deadlines(
  clock: Clock,
  afterUs: number,
  isOpen: (index: number) => boolean,
  tooLate: (index: number) => void,
  afterArrivals: AfterArrivals,
): Deadlines {
  /** In order of time; the first `head` are over. */
  let indices: number[] = [];
  let timesUs: number[] = [];
  let head = 0;
  let isOnClock = false;
  const look = (): void => {
    isOnClock = false;
    const nowUs = clock.now();
    const late: number[] = [];
    for (; head < indices.length; head++) {
      const index = indices[head] ?? 0;
      if (!isOpen(index)) continue;
      if ((timesUs[head] ?? 0) > nowUs) break;
      late.push(index);
    }
    if (late.length > 0)
      afterArrivals(() => {
        for (const index of late) if (isOpen(index)) tooLate(index);
      });
    dropOver();
    if (head === indices.length) return;
    isOnClock = true;
    clock.at(timesUs[head] ?? 0, look);
  };
  const dropOver = (): void => {
    if (head < DROP_FROM || head * 2 < indices.length) return;
    indices = indices.slice(head);
    timesUs = timesUs.slice(head);
    head = 0;
  };
  return {
    add(index) {
      indices.push(index);
      // Not `now`: a client that stood still beyond the due time has taken none of the request's time.
      timesUs.push(clock.read() + afterUs);
      while (head < indices.length && !isOpen(indices[head] ?? 0)) head++;
      dropOver();
      if (!isOnClock) look();
    },
  };
}
