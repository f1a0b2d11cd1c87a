import { countUpTo, Samples } from './samples.ts';

/** Values below it are counted: a second, in microseconds. */
const COUNTED_BELOW = 1 << 20;
const FIRST_LENGTH = 1 << 12;

/**
 * Values that are nearly all whole and small, counted by value: gaps between tokens, of which a run has tens of millions.
 * What is asked of them is exact; the memory does not grow with their number.
 */
export class WholeCounts {
  #counts = new Float64Array(FIRST_LENGTH);
  #n = 0;
  #sum = 0;
  /** The others, in any order. */
  readonly #rest = new Samples();

  get n(): number {
    return this.#n + this.#rest.length;
  }

  push(value: number): void {
    if (!(value >= 0 && value < COUNTED_BELOW && Number.isInteger(value))) {
      this.#rest.push(value);
      return;
    }
    if (value >= this.#counts.length) this.#grow(value);
    this.#counts[value] = (this.#counts[value] ?? 0) + 1;
    this.#n++;
    this.#sum += value;
  }

  /** Those of both. */
  with(other: WholeCounts): WholeCounts {
    const both = new WholeCounts();
    for (const each of [this, other]) {
      each.#counts.forEach((count, value) => {
        if (count === 0) return;
        if (value >= both.#counts.length) both.#grow(value);
        both.#counts[value] = (both.#counts[value] ?? 0) + count;
      });
      both.#n += each.#n;
      both.#sum += each.#sum;
      for (const value of each.#rest.values()) both.#rest.push(value);
    }
    return both;
  }

  /** Answers what the values in ascending order would be asked. */
  sorted(): SortedCounts {
    const rest = this.#rest.sorted();
    // Nothing that is counted is below 0; what is not whole lies among the counted values.
    const below = countUpTo(rest, COUNTED_BELOW - 1);
    const counts = this.#counts;
    /** The value with so many before it. */
    const at = (index: number): number | null => {
      if (index >= this.n) return null;
      if (below === 0 && index >= this.#n) return rest[index - this.#n] ?? null;
      let before = 0;
      let ofRest = 0;
      for (let value = 0; value < counts.length; value++) {
        while (ofRest < rest.length && (rest[ofRest] ?? Infinity) < value) {
          if (before === index) return rest[ofRest] ?? null;
          before++;
          ofRest++;
        }
        before += counts[value] ?? 0;
        if (before > index) return value;
      }
      return rest[ofRest + index - before] ?? null;
    };
    return { n: this.n, at, sum: rest.reduce((total, value) => total + value, this.#sum) };
  }

  #grow(value: number): void {
    const larger = new Float64Array(Math.min(COUNTED_BELOW, 2 ** Math.ceil(Math.log2(value + 1))));
    larger.set(this.#counts);
    this.#counts = larger;
  }
}

/** Values in ascending order. */
export interface SortedCounts {
  readonly n: number;
  readonly sum: number;
  /** Null behind the last. */
  readonly at: (index: number) => number | null;
}
