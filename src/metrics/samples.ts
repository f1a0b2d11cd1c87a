import { release } from '../core/release.ts';

/** Numbers of a piece; where they are whole and near one another, each less the smallest. */
interface Piece {
  readonly from: number;
  readonly values: Numbers;
}
type Numbers =
  | Uint8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

const BITS = 13;
const LENGTH = 1 << BITS;
const FIRST_LENGTH = 1 << 6;

/**
 * Numbers collected one by one. A run has millions of requests and tens of columns, so they are kept in pieces as wide as
 * their values need: flags take a byte, times that come nearly in order four, fractions eight.
 */
export class Samples {
  readonly #pieces: Piece[] = [];
  /** The last ones, as they are. */
  #open = new Float64Array(FIRST_LENGTH);
  #used = 0;

  get length(): number {
    return this.#pieces.length * LENGTH + this.#used;
  }

  push(value: number): void {
    if (this.#used === this.#open.length) this.#makeRoom();
    this.#open[this.#used++] = value;
  }

  /** The value of this number, which count from 0 in order of `push`; NaN: there is none. */
  at(number: number): number {
    const piece = this.#pieces[number >> BITS];
    if (piece !== undefined) return piece.from + (piece.values[number & (LENGTH - 1)] ?? Number.NaN);
    const place = number - this.#pieces.length * LENGTH;
    return place < this.#used ? (this.#open[place] ?? Number.NaN) : Number.NaN;
  }

  /** The values in order of `push`. */
  values(): Float64Array<ArrayBuffer> {
    const all = new Float64Array(this.length);
    let at = 0;
    for (const { from, values } of this.#pieces) {
      if (from === 0) all.set(values, at);
      else for (let i = 0; i < LENGTH; i++) all[at + i] = from + (values[i] ?? 0);
      at += LENGTH;
    }
    all.set(this.#open.subarray(0, this.#used), at);
    return all;
  }

  /** The same for the last time: there are none afterwards. */
  take(): Float64Array<ArrayBuffer> {
    const all = this.values();
    this.release();
    return all;
  }

  /** The values of these numbers. */
  pick(numbers: Uint32Array): Float64Array<ArrayBuffer> {
    const picked = new Float64Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) picked[i] = this.at(numbers[i] ?? 0);
    return picked;
  }

  /** The values in ascending order. Sums over it do not depend on the order of the records. */
  sorted(): Float64Array<ArrayBuffer> {
    return this.values().sort();
  }

  /** Lends the same for the last time: there are none afterwards. */
  takeSorted<T>(use: (sorted: Float64Array) => T): T {
    const sorted = this.take().sort();
    try {
      return use(sorted);
    } finally {
      release(sorted);
    }
  }

  /** Gives the memory of the values back: there are none afterwards. */
  release(): void {
    for (const { values } of this.#pieces) release(values);
    release(this.#open);
    this.#pieces.length = 0;
    this.#open = new Float64Array(0);
    this.#used = 0;
  }

  /** Puts the values themselves in ascending order, in which they take the least room. */
  sort(): void {
    const sorted = this.sorted();
    this.release();
    for (let i = 0; i < sorted.length; i++) this.push(sorted[i] ?? Number.NaN);
    release(sorted);
  }

  #makeRoom(): void {
    if (this.#used === LENGTH) {
      this.#pieces.push(packed(this.#open));
      this.#used = 0;
      return;
    }
    const larger = new Float64Array(Math.max(FIRST_LENGTH, 2 * this.#open.length));
    larger.set(this.#open);
    this.#open = larger;
  }
}

function packed(numbers: Float64Array): Piece {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i] ?? Number.NaN;
    if (!Number.isSafeInteger(value)) return { from: 0, values: numbers.slice() };
    if (value < low) low = value;
    if (value > high) high = value;
  }
  // What fits as it is needs no sum.
  const from = low >= 0 && widthOf(high) === widthOf(high - low) ? 0 : low;
  const values = new (widthOf(high - from))(numbers.length);
  for (let i = 0; i < numbers.length; i++) values[i] = (numbers[i] ?? 0) - from;
  return { from, values };
}

/** The narrowest array of whole numbers up to `most`. */
function widthOf(
  most: number,
): Uint8ArrayConstructor | Uint16ArrayConstructor | Uint32ArrayConstructor | Float64ArrayConstructor {
  if (most <= 0xff) return Uint8Array;
  if (most <= 0xff_ff) return Uint16Array;
  return most <= 0xff_ff_ff_ff ? Uint32Array : Float64Array;
}

/**
 * The nearest-rank percentile: the smallest x with at least ceil(q n) values <= x, no interpolation. `missing` more
 * values count as infinitely large; null if the percentile is one of them, or there is no value. `permille` is 1000 q,
 * a whole number, so that no rounding moves the rank.
 */
export function nearestRank(sorted: ArrayLike<number>, permille: number, missing: number = 0): number | null {
  return sorted[rankIndex(sorted.length + missing, permille)] ?? null;
}

/** Where the nearest-rank percentile of `n` values in ascending order is among them. */
export function rankIndex(n: number, permille: number): number {
  return Math.max(1, Math.ceil((n * permille) / 1000)) - 1;
}

/** Sum over the array in its order. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0;
  return total;
}

/** How many of the sorted values are <= `value`, in O(log n); in less where `near` is near it. */
export function countUpTo(sorted: Float64Array | Samples, value: number, near = sorted.length >> 1): number {
  const at = sorted instanceof Samples ? (i: number) => sorted.at(i) : (i: number) => sorted[i] ?? Infinity;
  // All values before `low` are <= `value`, all from `high` on are not.
  let [low, high] = [near, near];
  for (let step = 1; low > 0 && at(low - 1) > value; step *= 2) [low, high] = [Math.max(0, low - step), low - 1];
  for (let step = 1; high < sorted.length && at(high) <= value; step *= 2)
    [low, high] = [high + 1, Math.min(sorted.length, high + step)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
