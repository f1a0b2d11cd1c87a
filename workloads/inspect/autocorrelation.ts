import type { LagCorrelation } from '../../src/core/trace-inspection.ts';

/** More than the longest lag, and a power of two. */
const KEPT = 64;
/** Below this share of the squared mean, a variance is what rounding leaves of a constant. */
const LEAST_VARIANCE = 1e-9;

/** Autocorrelation of a stream of numbers, by the biased estimator, holding its last 64. */
export class Autocorrelation {
  readonly #lags: readonly number[];
  readonly #products: Float64Array;
  readonly #firsts = new Float64Array(KEPT);
  readonly #lasts = new Float64Array(KEPT);
  #n = 0;
  #sum = 0;
  #squares = 0;

  /** `lags`: each below 64. */
  constructor(lags: readonly number[]) {
    this.#lags = lags;
    this.#products = new Float64Array(lags.length);
  }

  add(value: number): void {
    const n = this.#n++;
    for (let i = 0; i < this.#lags.length; i++) {
      const at = n - (this.#lags[i] ?? 0);
      if (at >= 0) this.#products[i] = (this.#products[i] ?? 0) + value * (this.#lasts[at % KEPT] ?? 0);
    }
    if (n < KEPT) this.#firsts[n] = value;
    this.#lasts[n % KEPT] = value;
    this.#sum += value;
    this.#squares += value * value;
  }

  /** As `add(0)` so many times. */
  addZeros(count: number): void {
    const one = Math.min(count, KEPT);
    for (let i = 0; i < one; i++) this.add(0);
    // Behind as many zeros as are kept, one more changes nothing but the number: all that is kept is zero, wherever it stands.
    this.#n += count - one;
  }

  /** Population variance over the squared mean; null without numbers or of mean 0. */
  #relativeVariance(): number | null {
    const mean = this.#sum / this.#n;
    return this.#n === 0 || mean === 0 ? null : this.#squares / this.#n / (mean * mean) - 1;
  }

  /** None of a lag that has fewer than two pairs, nor of a constant. */
  correlations(): LagCorrelation[] {
    const mean = this.#sum / this.#n;
    const relative = this.#relativeVariance();
    if (relative === null || relative < LEAST_VARIANCE) return [];
    const all = this.#squares - this.#n * mean * mean;
    return this.#lags.flatMap((lag, i) => {
      if (this.#n < lag + 2) return [];
      let [heads, tails] = [this.#sum, this.#sum];
      for (let k = 0; k < lag; k++) {
        heads -= this.#lasts[(this.#n - 1 - k) % KEPT] ?? 0;
        tails -= this.#firsts[k] ?? 0;
      }
      const together = (this.#products[i] ?? 0) - mean * (heads + tails) + (this.#n - lag) * mean * mean;
      return [{ lag, r: together / all }];
    });
  }
}
