import type { WindowStatistics } from '../../src/core/trace-inspection.ts';
import { Autocorrelation } from './autocorrelation.ts';

const LAGS = [1, 2, 10] as const;

/**
 * Counts in bins [k w, (k + 1) w) from the first arrival, in order of time. Only sums are kept: most bins of a sparse
 * trace are empty.
 */
export class WindowCounts {
  readonly windowUs: number;
  readonly #correlation = new Autocorrelation(LAGS);
  #firstUs: number | null = null;
  /** The bin that is being filled. */
  #bin = 0;
  #endUs = Number.NEGATIVE_INFINITY;
  #count = 0;
  /** Bins that the trace fills to their end, with the sum and the sum of squares of their counts. */
  #complete = 0;
  #sum = 0;
  #squares = 0;
  #empty = 0;
  #most = 0;

  constructor(windowUs: number) {
    this.windowUs = windowUs;
  }

  add(us: number): void {
    if (us >= this.#endUs) this.#enter(us);
    this.#count++;
  }

  #enter(us: number): void {
    if (this.#firstUs === null) this.#firstUs = us;
    const bin = Math.floor((us - this.#firstUs) / this.windowUs);
    if (this.#endUs > Number.NEGATIVE_INFINITY) this.#close(bin);
    this.#bin = bin;
    this.#endUs = this.#firstUs + (bin + 1) * this.windowUs;
    this.#count = 0;
  }

  #close(next: number): void {
    const empty = next - this.#bin - 1;
    this.#sum += this.#count;
    this.#squares += this.#count * this.#count;
    this.#most = Math.max(this.#most, this.#count);
    this.#complete = next;
    this.#empty += empty;
    this.#correlation.add(this.#count);
    this.#correlation.addZeros(empty);
  }

  /** Highest count in any bin, the last one too. */
  get most(): number {
    return Math.max(this.#most, this.#count);
  }

  /** Population variance over mean of the complete bins: the last bin is cut off by the trace's end. */
  get dispersion(): number | null {
    if (this.#complete < 2) return null;
    const mean = this.#sum / this.#complete;
    return this.#squares / this.#complete / mean - mean;
  }

  /** Peak over the mean rate; null for a trace that is shorter than a window, or has no rate. */
  peakOverMean(rateRps: number | null, durationUs: number): number | null {
    return rateRps === null || durationUs < this.windowUs ? null : (this.most * 1e6) / this.windowUs / rateRps;
  }

  statistics(rateRps: number | null, durationUs: number): WindowStatistics {
    return {
      window_s: this.windowUs / 1e6,
      idc: this.dispersion,
      peak_over_mean: this.peakOverMean(rateRps, durationUs),
      max_count: this.most,
      bins: this.#complete,
      empty: this.#empty,
      acf: this.#correlation.correlations(),
    };
  }
}
