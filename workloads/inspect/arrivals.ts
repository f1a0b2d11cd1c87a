import { meanRate } from '../../src/core/rate.ts';
import type { TraceInspection, WindowStatistics } from '../../src/core/trace-inspection.ts';
import { Gaps } from './gaps.ts';
import { WindowCounts } from './window-counts.ts';

/** Windows of the curve of dispersion, in seconds; `idc` and `peak_10s_over_mean` are of three of them. */
const WINDOWS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] as const;

export type ArrivalStatistics = { readonly duration_s: number } & Pick<
  TraceInspection,
  'rate_rps' | 'iat_cv' | 'idc' | 'peak_10s_over_mean' | 'max_same_time'
>;

/** More of arrivals than a transform has to say. */
type ArrivalDetails = Pick<TraceInspection, 'distinct_times' | 'resolution_s' | 'longest_silence' | 'iat' | 'windows'>;

/** Statistics of due times in order, of which none is held but the first hundred thousand gaps. */
export class Arrivals {
  readonly #gaps = new Gaps();
  readonly #windows = WINDOWS_S.map((seconds) => new WindowCounts(seconds * 1e6));
  #n = 0;
  #firstUs = 0;
  #lastUs = 0;
  #distinct = 0;
  #atLast = 0;
  #mostAtOneTime = 0;

  add(us: number): void {
    if (this.#n === 0) this.#firstUs = us;
    else this.#gaps.add(us - this.#lastUs, this.#lastUs);
    if (this.#n === 0 || us !== this.#lastUs) {
      this.#distinct++;
      this.#atLast = 0;
    }
    if (++this.#atLast > this.#mostAtOneTime) this.#mostAtOneTime = this.#atLast;
    this.#n++;
    this.#lastUs = us;
    for (const window of this.#windows) window.add(us);
  }

  get #durationUs(): number {
    return this.#lastUs - this.#firstUs;
  }

  #window(seconds: (typeof WINDOWS_S)[number]): WindowCounts {
    const found = this.#windows.find(({ windowUs }) => windowUs === seconds * 1e6);
    if (found === undefined) throw new Error(`no window of ${seconds} s`);
    return found;
  }

  /** Null where there are too few arrivals for a figure. */
  statistics(): ArrivalStatistics {
    const rateRps = meanRate(this.#n, this.#firstUs, this.#lastUs);
    return {
      duration_s: this.#durationUs / 1e6,
      rate_rps: rateRps,
      iat_cv: this.#gaps.variation,
      idc: {
        '1s': this.#window(1).dispersion,
        '10s': this.#window(10).dispersion,
        '60s': this.#window(60).dispersion,
      },
      peak_10s_over_mean: this.#window(10).peakOverMean(rateRps, this.#durationUs),
      max_same_time: this.#mostAtOneTime,
    };
  }

  details(): ArrivalDetails {
    const rateRps = meanRate(this.#n, this.#firstUs, this.#lastUs);
    return {
      distinct_times: this.#distinct,
      resolution_s: this.#gaps.resolutionS,
      longest_silence: this.#gaps.longest(this.#firstUs),
      iat: this.#gaps.statistics(),
      windows: this.#windows.map((window): WindowStatistics => window.statistics(rateRps, this.#durationUs)),
    };
  }
}

/** Statistics of due times in order. */
export function arrivalStatistics(dueUs: readonly number[]): ArrivalStatistics {
  const arrivals = new Arrivals();
  for (const us of dueUs) arrivals.add(us);
  return arrivals.statistics();
}
