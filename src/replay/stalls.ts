/** Interval of the monitor's checks; a longer gap is a delay of the event loop. */
export const TICK_US = 10_000;
/**
 * The event loop stalls when it stands still for this long: the log keeps the time, and requests in flight are marked.
 */
export const STALL_US = 20_000;

export interface Stall {
  readonly from_us: number;
  readonly to_us: number;
  /** How much of it the client waited for a core; absent where the kernel does not tell. */
  readonly core_wait_us?: number;
}

/**
 * Stalls of the event loop, in order and without overlap. The health monitor writes it, the recorder marks records by
 * it.
 */
export class StallLog {
  readonly #nowUs: () => number;
  readonly #stalls: Stall[] = [];
  #checkedUs = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  get all(): readonly Stall[] {
    return this.#stalls;
  }

  /** Notes the time `nowUs`, the event loop's delay until then, and its wait for a core in that; called at each tick. */
  check(nowUs: number, delayUs: number, waitedUs: number | null): void {
    if (delayUs >= STALL_US)
      this.#stalls.push({
        from_us: Math.round(nowUs - delayUs),
        to_us: Math.round(nowUs),
        ...(waitedUs === null ? {} : { core_wait_us: Math.round(waitedUs) }),
      });
    this.#checkedUs = nowUs;
  }

  /** Whether the event loop stalled at any time from `fromUs` to `toUs`. */
  during(fromUs: number, toUs: number): boolean {
    // A stall may be going on that only the next check will log.
    const sinceUs = this.#checkedUs + TICK_US;
    if (this.#nowUs() - sinceUs >= STALL_US && sinceUs <= toUs) return true;
    // Of the stalls that end after `fromUs`, the first decides.
    let [low, high] = [0, this.#stalls.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#stalls[middle]?.to_us ?? 0) < fromUs) low = middle + 1;
      else high = middle;
    }
    return (this.#stalls[low]?.from_us ?? Number.POSITIVE_INFINITY) <= toUs;
  }
}
