import { setImmediate } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import { EventQueue } from './event-queue.ts';

/** Signals and other threads' messages wait for so many events at most: an iteration of a large batch takes 0.1 ms. */
const EVENTS_PER_TURN = 1000;

/** Time that jumps from one event to the next: deterministic, and as fast as the events compute. */
export class VirtualClock implements Clock {
  readonly #queue = new EventQueue();
  #now = 0;
  #pending: Promise<void> | undefined;
  #lookUs = Number.POSITIVE_INFINITY;
  #look: (timeUs: number) => number = () => Number.POSITIVE_INFINITY;

  now(): number {
    return this.#now;
  }

  read(): number {
    return this.#now;
  }

  at(timeUs: number, action: () => void): void {
    this.#queue.push(Math.max(timeUs, this.#now), action);
  }

  wait(pending: Promise<void>): void {
    this.#pending = this.#pending === undefined ? pending : Promise.all([this.#pending, pending]).then(() => undefined);
  }

  /**
   * `look` is called with a time, between all that happens until then and what follows, and returns its next time, a
   * later one. It may only look: it is no event, so that it neither changes the order of events nor keeps the clock
   * running.
   */
  observe(firstUs: number, look: (timeUs: number) => number): void {
    this.#lookUs = firstUs;
    this.#look = look;
  }

  async run(done: () => boolean): Promise<void> {
    for (let events = 1; ; events++) {
      if (events % EVENTS_PER_TURN === 0) await setImmediate();
      if (this.#pending !== undefined) {
        const pending = this.#pending;
        this.#pending = undefined;
        await pending;
        continue;
      }
      if (this.#queue.size === 0 || done()) return;
      const nextUs = this.#queue.nextTime;
      while (this.#lookUs < nextUs) this.#lookUs = this.#look(this.#lookUs);
      this.#now = nextUs;
      this.#queue.pop()();
    }
  }
}
