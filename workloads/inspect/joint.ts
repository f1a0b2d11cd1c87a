import type { JointStatistics, LengthCell } from '../../src/core/trace-inspection.ts';
import { DistinctNumbers } from './distinct.ts';
import { quarterFrom, quarterOf } from './durations.ts';
import { hashOfNumber } from './hashes.ts';

/** Rows of the sample that ranks are compared in. */
const MOST_SAMPLED = 2 ** 18;
/** Quarters of powers of two up to the longest length that a row may have, and a few more. */
const QUARTERS = 128;
/** Above every length that a row may have. */
const SHIFT = 2 ** 26;

/** Input and output lengths of a row together. */
export class JointLengths {
  readonly #pairs = new DistinctNumbers();
  readonly #cells = new Float64Array(QUARTERS * QUARTERS);
  readonly #sample = new RowSample();
  #n = 0;
  #sums: [x: number, y: number, xx: number, yy: number, xy: number] = [0, 0, 0, 0, 0];

  add(input: number, output: number): void {
    this.#pairs.add(input * SHIFT + output);
    const cell = Math.min(QUARTERS - 1, quarterOf(input)) * QUARTERS + Math.min(QUARTERS - 1, quarterOf(output));
    this.#cells[cell] = (this.#cells[cell] ?? 0) + 1;
    this.#sample.add(this.#n++, input, output);
    const sums = this.#sums;
    sums[0] += input;
    sums[1] += output;
    sums[2] += input * input;
    sums[3] += output * output;
    sums[4] += input * output;
  }

  statistics(): JointStatistics {
    const n = this.#n;
    const [x, y, xx, yy, xy] = this.#sums;
    const spread = Math.sqrt((xx - (x * x) / n) * (yy - (y * y) / n));
    return {
      pearson: spread > 0 ? (xy - (x * y) / n) / spread : null,
      spearman: this.#sample.rankCorrelation(),
      spearman_rows: this.#sample.size,
      repeated_pairs: Math.max(0, n - this.#pairs.count),
      is_exact: this.#pairs.isExact,
    };
  }

  cells(): LengthCell[] {
    const found: LengthCell[] = [];
    for (let i = 0; i < this.#cells.length; i++) {
      const requests = this.#cells[i] ?? 0;
      if (requests === 0) continue;
      const [input, output] = [Math.floor(i / QUARTERS), i % QUARTERS];
      found.push({
        input: rangeOf(input),
        output: rangeOf(output),
        requests,
      });
    }
    return found;
  }
}

/** A length of its own is no narrower than 1. */
function rangeOf(quarter: number): [from: number, to: number] {
  const from = quarterFrom(quarter);
  return [from, Math.max(from + 1, quarterFrom(quarter + 1))];
}

/** Rows chosen by the hash of their number: all of a short trace. */
class RowSample {
  readonly #hashes = new Uint32Array(MOST_SAMPLED + 1);
  readonly #xs = new Float64Array(MOST_SAMPLED + 1);
  readonly #ys = new Float64Array(MOST_SAMPLED + 1);
  #size = 0;
  #below = 2 ** 32;

  add(row: number, x: number, y: number): void {
    const hash = hashOfNumber(row);
    if (hash >= this.#below) return;
    this.#put(hash, x, y);
    if (this.#size <= MOST_SAMPLED) return;
    this.#below /= 2;
    const all = this.#size;
    this.#size = 0;
    for (let i = 0; i < all; i++) {
      const kept = this.#hashes[i] ?? 0;
      if (kept < this.#below) this.#put(kept, this.#xs[i] ?? 0, this.#ys[i] ?? 0);
    }
  }

  #put(hash: number, x: number, y: number): void {
    const at = this.#size++;
    this.#hashes[at] = hash;
    this.#xs[at] = x;
    this.#ys[at] = y;
  }

  get size(): number {
    return this.#size;
  }

  /** Spearman's, ties at their middle rank; null where either is one value alone. */
  rankCorrelation(): number | null {
    const n = this.#size;
    const xs = middleRanks(this.#xs.subarray(0, n));
    const ys = middleRanks(this.#ys.subarray(0, n));
    const middle = (n - 1) / 2;
    let [xx, yy, xy] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      const [x, y] = [(xs[i] ?? 0) - middle, (ys[i] ?? 0) - middle];
      xx += x * x;
      yy += y * y;
      xy += x * y;
    }
    return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null;
  }
}

/** Ranks from 0. */
function middleRanks(values: Float64Array): Float64Array {
  const order = values.toSorted();
  const ranks = new Map<number, number>();
  for (let from = 0; from < order.length;) {
    const value = order[from] ?? 0;
    let to = from;
    while (to < order.length && order[to] === value) to++;
    ranks.set(value, (from + to - 1) / 2);
    from = to;
  }
  return values.map((value) => ranks.get(value) ?? 0);
}
