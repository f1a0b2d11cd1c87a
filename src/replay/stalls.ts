/** The monitor looks this often; a gap beyond it is a delay of the event loop. */
export const TICK_US = 10_000;
/** A pause of the event loop from here on is kept with its time: requests in flight during it were stalled by it. */
const STALL_US = 20_000;

export interface Stall {
  readonly from_us: number;
  readonly to_us: number;
}

/** When the event loop stood still, in order and apart. The health monitor writes it, the recorder marks records by it. */
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

  /** The time is `nowUs`, and the event loop was late by `delayUs`. */
  check(nowUs: number, delayUs: number): void {
    if (delayUs >= STALL_US) this.#stalls.push({ from_us: Math.round(nowUs - delayUs), to_us: Math.round(nowUs) });
    this.#checkedUs = nowUs;
  }

  /** Whether the event loop stood still at any time from `fromUs` to `toUs`. */
  during(fromUs: number, toUs: number): boolean {
    // A pause may go on that the next check will keep.
    const sinceUs = this.#checkedUs + TICK_US;
    if (this.#nowUs() - sinceUs >= STALL_US && sinceUs <= toUs) return true;
    // Of those that end after `fromUs` only the first can tell.
    let [low, high] = [0, this.#stalls.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#stalls[middle]?.to_us ?? 0) < fromUs) low = middle + 1;
      else high = middle;
    }
    return (this.#stalls[low]?.from_us ?? Number.POSITIVE_INFINITY) <= toUs;
  }
}
