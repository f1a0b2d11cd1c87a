import type { Clock } from '../core/clock.ts';
import type { Schedule } from '../core/schedule.ts';
import type { ScheduledRequest } from '../core/target.ts';
import { DueQueue } from './due-queue.ts';

/** Requests that became due because others ended, until they are prepared. */
export interface FollowUps {
  add(requests: readonly ScheduledRequest[]): void;
  /** How many are not prepared yet. */
  readonly size: number;
  /** Due time of the first whose preparation has not begun. */
  readonly nextUs: number;
  advance(us: number): void;
}

/**
 * Has the schedule prepare such requests, `aheadUs` before they are due: a session may think for minutes, and a body of
 * a long history is large. `ready` gets each when it is prepared; `failed` an error of it.
 */
export function followUps(
  schedule: Pick<Schedule, 'prepare'>,
  clock: Clock,
  aheadUs: number,
  ready: (requests: readonly ScheduledRequest[]) => void,
  failed: (thrown: unknown) => void,
): FollowUps {
  const coming = new DueQueue();
  let preparing = 0;
  let looksAtUs = Infinity;
  const look = (): void => {
    const nowUs = clock.now();
    while (coming.nextUs - aheadUs <= nowUs) prepare(coming.shift());
    if (coming.nextUs - aheadUs >= looksAtUs) return;
    looksAtUs = coming.nextUs - aheadUs;
    clock.at(looksAtUs, () => {
      looksAtUs = Infinity;
      look();
    });
  };
  const prepare = (request: ScheduledRequest): void => {
    const prepared = schedule.prepare?.(request) ?? request;
    if (!(prepared instanceof Promise)) {
      ready([prepared]);
      return;
    }
    preparing++;
    const arrive = async (): Promise<void> => {
      try {
        ready([await prepared]);
      } catch (thrown) {
        failed(thrown);
      }
      preparing--;
    };
    clock.wait(arrive());
  };
  return {
    add(requests) {
      for (const request of requests) coming.push(request);
      look();
    },
    get size() {
      return coming.size + preparing;
    },
    get nextUs() {
      return preparing > 0 ? Number.NEGATIVE_INFINITY : coming.nextUs;
    },
    advance(us) {
      coming.advance(us);
      look();
    },
  };
}
