import type { Ecdf, EcdfPoint } from './ecdf.ts';

/** Buckets in an octave: neighbouring edges are 1.1 % apart. */
const PER_OCTAVE = 64;
/** Up to 2^40 us, twelve days. */
const BUCKETS = 40 * PER_OCTAVE;
const MAX_POINTS = 400;

/**
 * Counts of gaps between tokens in logarithmic buckets, because a run has tens of millions of them. Gaps are whole
 * microseconds, so that the share at each bucket's edge is exact; only the positions of the edges are fixed.
 */
export class GapCounts {
  readonly #counts = new Float64Array(BUCKETS);
  #zeros = 0;
  #n = 0;

  /** The gaps of one request: its token times, never decreasing. */
  add(tokenTimesUs: Float64Array): void {
    for (let i = 1; i < tokenTimesUs.length; i++) {
      const gapUs = (tokenTimesUs[i] ?? 0) - (tokenTimesUs[i - 1] ?? 0);
      this.#n++;
      if (gapUs < 1) this.#zeros++;
      else {
        const bucket = Math.min(BUCKETS - 1, Math.floor(Math.log2(gapUs) * PER_OCTAVE));
        this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
      }
    }
  }

  ecdf(missing: number): Ecdf {
    const all: EcdfPoint[] = [];
    let count = this.#zeros;
    if (count > 0) all.push({ ms: 0, share: count / (this.#n + missing) });
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.#counts[bucket] === 0) continue;
      count += this.#counts[bucket] ?? 0;
      all.push({ ms: largestWithin(bucket) / 1000, share: count / (this.#n + missing) });
    }
    const step = Math.ceil(all.length / (MAX_POINTS - 1));
    const points = all.filter((_, i) => i % step === 0 || i === all.length - 1);
    return { points, n: this.#n, missing };
  }
}

/** The largest whole number of microseconds in a bucket. */
function largestWithin(bucket: number): number {
  return Math.ceil(2 ** ((bucket + 1) / PER_OCTAVE)) - 1;
}
