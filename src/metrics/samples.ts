type Piece = Uint8Array | Uint16Array | Uint32Array | Float64Array;
/** Arrays of ever larger numbers; the last takes any. */
const KINDS = [Uint8Array, Uint16Array, Uint32Array, Float64Array] as const;
const ANY = KINDS.length - 1;
/** Pieces double from 2^8 numbers to 2^13, and are all of that length then. */
const FIRST_BITS = 8;
const BITS = 13;
/** Numbers in all pieces that are shorter. */
const IN_SHORTER = (1 << BITS) - (1 << FIRST_BITS);

/**
 * Numbers collected one by one into pieces of typed arrays, which are as wide as their values need: flags take a byte, token
 * counts two, any other number eight. A run has millions of requests, and tens of columns.
 */
export class Samples {
  readonly #pieces: Piece[] = [];
  #last: Piece = new Uint8Array(0);
  /** Of the last piece. */
  #kind = 0;
  #used = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#used === this.#last.length) this.#begin();
    if (this.#kind < ANY) this.#widenFor(value);
    this.#last[this.#used++] = value;
    this.#length++;
  }

  /** The values in order of `push`. */
  values(): Float64Array {
    const all = new Float64Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece === this.#last ? piece.subarray(0, this.#used) : piece, at);
      at += piece.length;
    }
    return all;
  }

  /** The values of these numbers, which count from 0 in order of `push`; NaN: there is none. */
  pick(numbers: Uint32Array): Float64Array<ArrayBuffer> {
    const picked = new Float64Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) picked[i] = this.#at(numbers[i] ?? 0);
    return picked;
  }

  #at(number: number): number {
    if (number >= IN_SHORTER) {
      const from = number - IN_SHORTER;
      return this.#pieces[BITS - FIRST_BITS + (from >> BITS)]?.[from & ((1 << BITS) - 1)] ?? Number.NaN;
    }
    const piece = 31 - Math.clz32((number >> FIRST_BITS) + 1);
    return this.#pieces[piece]?.[number - (((1 << piece) - 1) << FIRST_BITS)] ?? Number.NaN;
  }

  /** The values in ascending order. Sums over it do not depend on the order of the records. */
  sorted(): Float64Array {
    return this.values().sort();
  }

  #begin(): void {
    this.#last = this.#piece(1 << Math.min(BITS, FIRST_BITS + this.#pieces.length));
    this.#pieces.push(this.#last);
    this.#used = 0;
  }

  #widenFor(value: number): void {
    const kind = kindOf(value);
    if (kind <= this.#kind) return;
    this.#kind = kind;
    const wider = this.#piece(this.#last.length);
    wider.set(this.#last);
    this.#last = wider;
    this.#pieces[this.#pieces.length - 1] = wider;
  }

  #piece(length: number): Piece {
    return new (KINDS[this.#kind] ?? Float64Array)(length);
  }
}

/** The narrowest array that keeps the value as it is. */
function kindOf(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xff_ff_ff_ff || Object.is(value, -0)) return ANY;
  return value <= 0xff ? 0 : value <= 0xff_ff ? 1 : 2;
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
