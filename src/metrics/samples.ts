/** Numbers collected one by one into a typed array: eight bytes each, with millions of gaps. */
export class Samples {
  #values = new Float64Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** The values in order of `push`. */
  values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  /** The values in ascending order. Sums over it do not depend on the order of the records. */
  sorted(): Float64Array {
    return this.#values.slice(0, this.#length).sort();
  }
}

/**
 * The nearest-rank percentile: the smallest x with at least ceil(q n) values <= x, no interpolation. `missing` more
 * values count as infinitely large; null if the percentile is one of them, or there is no value. `permille` is 1000 q,
 * a whole number, so that no rounding moves the rank.
 */
export function nearestRank(sorted: Float64Array, permille: number, missing: number = 0): number | null {
  return sorted[rankIndex(sorted.length + missing, permille)] ?? null;
}

/** Where the nearest-rank percentile of `n` values in ascending order is among them. */
export function rankIndex(n: number, permille: number): number {
  return Math.max(1, Math.ceil((n * permille) / 1000)) - 1;
}

/** Sum over the array in its order. */
export function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0;
  return total;
}

/** How many of the sorted values are <= `value`. */
export function countUpTo(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
