import type { CountBin, DurationStatistics } from '../../src/core/trace-inspection.ts';

/** So many are held as they are; more are counted in buckets. */
const MOST_HELD = 2 ** 17;
/** Buckets to a power of two: each is 0.1 % wide. */
const BUCKETS = 1024;
const OCTAVES = 53;

/** A value with how many there are of it. */
export type Counted = readonly [value: number, count: number];

/**
 * Durations in whole microseconds from 0. Up to 131,072 of them percentiles are exact; of more they are those of buckets
 * that are 0.1 % wide and stand for their mean. Percentiles by linear interpolation (type 7).
 */
export class Durations {
  #held: number[] | null = [];
  #counts = new Float64Array();
  #sums = new Float64Array();
  #n = 0;
  #sum = 0;
  #max = 0;

  get n(): number {
    return this.#n;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number | null {
    return this.#n === 0 ? null : this.#sum / this.#n;
  }

  add(us: number): void {
    this.#n++;
    this.#sum += us;
    if (us > this.#max) this.#max = us;
    if (this.#held === null) return this.#count(us);
    this.#held.push(us);
    if (this.#held.length <= MOST_HELD) return;
    this.#counts = new Float64Array(OCTAVES * BUCKETS);
    this.#sums = new Float64Array(OCTAVES * BUCKETS);
    for (const each of this.#held) this.#count(each);
    this.#held = null;
  }

  #count(us: number): void {
    const octave = octaveOf(us);
    const bucket = octave < 10 ? us : (octave - 9) * BUCKETS + Math.floor(us / 2 ** (octave - 10)) - BUCKETS;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sums[bucket] = (this.#sums[bucket] ?? 0) + us;
  }

  /** All of them in order, equal ones together. */
  sorted(): Counted[] {
    const all: [value: number, count: number][] = [];
    if (this.#held === null) {
      for (let i = 0; i < this.#counts.length; i++) {
        const count = this.#counts[i] ?? 0;
        if (count > 0) all.push([(this.#sums[i] ?? 0) / count, count]);
      }
      return all;
    }
    for (const us of Float64Array.from(this.#held).sort()) {
      const last = all.at(-1);
      if (last?.[0] === us) last[1]++;
      else all.push([us, 1]);
    }
    return all;
  }

  statistics(): DurationStatistics {
    const at = quantiles(this.sorted(), this.#n);
    const seconds = (us: number | null): number | null => (us === null ? null : us / 1e6);
    return {
      n: this.#n,
      mean_s: seconds(this.mean),
      p50_s: seconds(at(0.5)),
      p90_s: seconds(at(0.9)),
      p99_s: seconds(at(0.99)),
      max_s: this.#n === 0 ? null : this.#max / 1e6,
    };
  }

  /** In seconds, four bins to a power of two, from the first that is not empty to the last; zeros in one from 0. */
  bins(): CountBin[] {
    const counts = new Map<number, number>();
    for (const [us, count] of this.sorted()) {
      const bin = us < 1 ? -1 : quarterOf(us);
      counts.set(bin, (counts.get(bin) ?? 0) + count);
    }
    return [...counts]
      .toSorted(([a], [b]) => a - b)
      .map(([bin, count]) => ({ from: quarterFrom(bin) / 1e6, to: quarterFrom(bin + 1) / 1e6, count }));
  }
}

/** Percentile at `q` of values in order by linear interpolation between order statistics (type 7), as trace papers quote them. */
export function quantiles(sorted: readonly Counted[], n: number): (q: number) => number | null {
  const ends: number[] = [];
  let before = 0;
  for (const [, count] of sorted) ends.push((before += count));
  const valueAt = (rank: number): number | null => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ends[middle] ?? 0) > rank) high = middle;
      else low = middle + 1;
    }
    return sorted[low]?.[0] ?? null;
  };
  return (q) => {
    const position = (n - 1) * q;
    const [below, above] = [valueAt(Math.floor(position)), valueAt(Math.ceil(position))];
    return below === null || above === null ? null : below + (above - below) * (position - Math.floor(position));
  };
}

/** Floor of the binary logarithm of a number from 1 to 2^53; 0 of smaller ones. */
function octaveOf(value: number): number {
  return value < 2 ** 32 ? 31 - Math.clz32(value | 1) : 63 - Math.clz32(value / 2 ** 32);
}

/** Which quarter of a power of two a number from 1 is in: 4 for 2 to 2.5, 5 for 2.5 to 3. */
export function quarterOf(value: number): number {
  const octave = octaveOf(value);
  return octave * 4 + Math.floor((value / 2 ** octave - 1) * 4);
}

/** Where a quarter begins; 0 before the first. */
export function quarterFrom(quarter: number): number {
  return quarter < 0 ? 0 : 2 ** Math.floor(quarter / 4) * (1 + (quarter % 4) / 4);
}
