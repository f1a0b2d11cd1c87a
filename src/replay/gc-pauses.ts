import { PerformanceObserver } from 'node:perf_hooks';
import { addPauses, noPauses } from '../core/pauses.ts';
import { machineUsAt } from '../core/wall-clock.ts';
import type { Stall } from './stalls.ts';

/** Shorter pauses make no stall; they are counted, and not kept. */
const KEPT_US = 5000;
/** Of those, the first so many are kept. */
const MOST_KEPT = 10_000;

interface Pause {
  readonly fromUs: number;
  readonly toUs: number;
}

/**
 * Pauses of this thread in which V8 collects garbage, which tells of each once it is over. Times are in microseconds of
 * the run.
 */
export class GcPauses {
  readonly #zeroUs: () => number;
  readonly #observer: PerformanceObserver;
  readonly #kept: Pause[] = [];
  readonly total = noPauses();

  /** `zeroUs`: the run's start on `machineUs`. */
  constructor(zeroUs: () => number) {
    this.#zeroUs = zeroUs;
    this.#observer = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) this.#add(startTime, duration);
    });
  }

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    for (const { startTime, duration } of this.#observer.takeRecords()) this.#add(startTime, duration);
    this.#observer.disconnect();
  }

  /** How much of a stall was collecting garbage, in microseconds; pauses of less than 5 ms are left out. */
  within({ from_us, to_us }: Pick<Stall, 'from_us' | 'to_us'>): number {
    return this.#kept.reduce(
      (total, { fromUs, toUs }) => total + Math.max(0, Math.min(to_us, toUs) - Math.max(from_us, fromUs)),
      0,
    );
  }

  #add(startMs: number, durationMs: number): void {
    const fromUs = machineUsAt(startMs) - this.#zeroUs();
    const us = durationMs * 1000;
    addPauses(this.total, { totalUs: us, longestUs: us, longestAtUs: fromUs });
    if (us >= KEPT_US && this.#kept.length < MOST_KEPT) this.#kept.push({ fromUs, toUs: fromUs + us });
  }
}
