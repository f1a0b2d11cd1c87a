import type { ScheduledRequest } from '../core/target.ts';

/** A request that waits for others. */
interface Waiting {
  readonly scheduled: ScheduledRequest;
  /** How many of them are not over. */
  left: number;
  /** The latest due time that those before have given; 0: none has. */
  dueUs: number;
  isUnsent: boolean;
}

interface Follower {
  readonly waiting: Waiting;
  readonly thinkUs: number;
}

/** The requests of open session trees that wait for others (`Request.after`), and for which. */
export class SessionWaits {
  readonly #followers = new Map<string, Follower[]>();

  /** Takes in a tree; returns those of its requests that wait for none. */
  add(tree: readonly ScheduledRequest[]): ScheduledRequest[] {
    const ids = new Set(tree.map(({ request }) => request.id));
    return tree.filter((scheduled) => {
      const after = (scheduled.request.after ?? []).filter(({ id }) => ids.has(id));
      const waiting = { scheduled, left: after.length, dueUs: 0, isUnsent: false };
      for (const { id, thinkUs } of after) {
        const list = this.#followers.get(id);
        if (list === undefined) this.#followers.set(id, [{ waiting, thinkUs }]);
        else list.push({ waiting, thinkUs });
      }
      return after.length === 0;
    });
  }

  /** An answer has ended at `timeUs`: returns the requests that it was the last for, with their due times. */
  over(id: string, timeUs: number): ScheduledRequest[] {
    const due: ScheduledRequest[] = [];
    for (const { waiting, thinkUs } of this.#followers.get(id) ?? []) {
      waiting.left--;
      waiting.dueUs = Math.max(waiting.dueUs, Math.round(timeUs) + thinkUs);
      if (waiting.left === 0 && !waiting.isUnsent) due.push({ ...waiting.scheduled, dueUs: waiting.dueUs });
    }
    this.#followers.delete(id);
    return due;
  }

  /** A request has failed: returns those that can never be sent, for they follow it, or one that does. */
  failed(id: string): ScheduledRequest[] {
    const unsent: ScheduledRequest[] = [];
    const failed = [id];
    for (let one = failed.pop(); one !== undefined; one = failed.pop()) {
      for (const { waiting } of this.#followers.get(one) ?? []) {
        if (waiting.isUnsent) continue;
        waiting.isUnsent = true;
        unsent.push(waiting.scheduled);
        failed.push(waiting.scheduled.request.id);
      }
      this.#followers.delete(one);
    }
    return unsent;
  }

  /** Due times that are known in part come `us` earlier. */
  advance(us: number): void {
    for (const list of this.#followers.values())
      for (const waiting of new Set(list.map((follower) => follower.waiting)))
        if (waiting.dueUs > 0) waiting.dueUs -= us;
  }
}
