import { exp } from '../../src/core/portable-math.ts';
import type { GapStatistics, LongestSilence } from '../../src/core/trace-inspection.ts';
import { Autocorrelation } from './autocorrelation.ts';
import { Durations, quantiles, type Counted } from './durations.ts';

const LAGS = [1, 2, 5, 10, 50] as const;

/** Gaps between arrivals in order of time, ties included. */
export class Gaps {
  readonly #durations = new Durations();
  readonly #correlation = new Autocorrelation(LAGS);
  #mean = 0;
  /** Sum of squared distances from the mean, by Welford. */
  #squares = 0;
  #zeros = 0;
  #divisor = 0;
  #longestFromUs = 0;

  /** `fromUs`: when it begins. */
  add(gapUs: number, fromUs: number): void {
    if (gapUs > this.#durations.max) this.#longestFromUs = fromUs;
    this.#durations.add(gapUs);
    this.#correlation.add(gapUs);
    const distance = gapUs - this.#mean;
    this.#mean += distance / this.#durations.n;
    this.#squares += distance * (gapUs - this.#mean);
    if (gapUs === 0) this.#zeros++;
    else if (this.#divisor !== 1) this.#divisor = greatestDivisor(this.#divisor, gapUs);
  }

  /** Population standard deviation over mean; null of fewer than two, or where all are zero. */
  get variation(): number | null {
    const { n, max } = this.#durations;
    return n < 2 || max === 0 ? null : Math.sqrt(this.#squares / n) / this.#mean;
  }

  /** Greatest common divisor; null where all are zero. */
  get resolutionS(): number | null {
    return this.#divisor === 0 ? null : this.#divisor / 1e6;
  }

  longest(firstUs: number): LongestSilence | null {
    const { max } = this.#durations;
    return max === 0 ? null : { s: max / 1e6, from_s: (this.#longestFromUs - firstUs) / 1e6 };
  }

  statistics(): GapStatistics | null {
    const { n, mean, max } = this.#durations;
    if (mean === null) return null;
    const sorted = this.#durations.sorted();
    const at = quantiles(sorted, n);
    const second = (q: number): number => (at(q) ?? 0) / 1e6;
    return {
      mean_s: mean / 1e6,
      p50_s: second(0.5),
      p90_s: second(0.9),
      p99_s: second(0.99),
      max_s: max / 1e6,
      zeros: this.#zeros,
      acf: this.#correlation.correlations(),
      ks_exponential: mean === 0 ? null : distanceFromExponential(sorted, n, mean),
    };
  }
}

/** Kolmogorov-Smirnov distance between values in order and the exponential distribution of a mean. */
function distanceFromExponential(sorted: readonly Counted[], n: number, mean: number): number {
  let [before, most] = [0, 0];
  for (const [value, count] of sorted) {
    const share = 1 - exp(-value / mean);
    most = Math.max(most, Math.abs(share - before / n), Math.abs((before + count) / n - share));
    before += count;
  }
  return most;
}

function greatestDivisor(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}
