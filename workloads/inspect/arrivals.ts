import { meanRate } from '../../src/core/rate.ts';

export interface ArrivalStatistics {
  readonly duration_s: number;
  /** As `meanRate`. */
  readonly rate_rps: number | null;
  /** Coefficient of variation of the gaps between arrivals; 1 for Poisson. */
  readonly iat_cv: number | null;
  /** Index of dispersion of counts, by window: variance over mean; 1 for Poisson at every window. */
  readonly idc: { readonly '1s': number | null; readonly '10s': number | null; readonly '60s': number | null };
  /** Null for a trace that is shorter than a window. */
  readonly peak_10s_over_mean: number | null;
  readonly max_same_time: number;
}

/** Statistics of due times in order. Null where there are too few arrivals for a figure. */
export function arrivalStatistics(dueUs: readonly number[]): ArrivalStatistics {
  const durationUs = (dueUs.at(-1) ?? 0) - (dueUs[0] ?? 0);
  const rateRps = meanRate(dueUs.length, dueUs[0] ?? 0, dueUs.at(-1) ?? 0);
  const in10s = windowCounts(dueUs, 10e6);
  return {
    duration_s: durationUs / 1e6,
    rate_rps: rateRps,
    iat_cv: gapVariation(dueUs),
    idc: {
      '1s': dispersion(windowCounts(dueUs, 1e6)),
      '10s': dispersion(in10s),
      '60s': dispersion(windowCounts(dueUs, 60e6)),
    },
    peak_10s_over_mean: rateRps === null || durationUs < 10e6 ? null : in10s.most / 10 / rateRps,
    max_same_time: mostAtOneTime(dueUs),
  };
}

/**
 * Counts in bins [k w, (k + 1) w) from the first arrival. Only sums are kept: most bins of a sparse trace are empty.
 */
interface WindowCounts {
  /** Highest count in any bin. */
  readonly most: number;
  /** Bins that the trace fills to their end, with the sum and the sum of squares of their counts. */
  readonly complete: number;
  readonly sum: number;
  readonly squares: number;
}

function windowCounts(dueUs: readonly number[], windowUs: number): WindowCounts {
  const firstUs = dueUs[0] ?? 0;
  const complete = Math.floor(((dueUs.at(-1) ?? firstUs) - firstUs) / windowUs);
  let [most, sum, squares, bin, count] = [0, 0, 0, 0, 0];
  for (const us of dueUs) {
    const next = Math.floor((us - firstUs) / windowUs);
    if (next !== bin) {
      sum += count;
      squares += count * count;
      [bin, count] = [next, 0];
    }
    count++;
    most = Math.max(most, count);
  }
  return { most, complete, sum, squares };
}

/** Population variance over mean of the complete bins: the last bin is cut off by the trace's end. */
function dispersion({ complete, sum, squares }: WindowCounts): number | null {
  if (complete < 2) return null;
  const mean = sum / complete;
  return squares / complete / mean - mean;
}

/** Population standard deviation over mean of the gaps, ties included. */
function gapVariation(dueUs: readonly number[]): number | null {
  const gaps = dueUs.length - 1;
  if (gaps < 2) return null;
  const meanUs = ((dueUs.at(-1) ?? 0) - (dueUs[0] ?? 0)) / gaps;
  if (meanUs === 0) return null;
  let squares = 0;
  for (let i = 1; i <= gaps; i++) {
    const gapUs = (dueUs[i] ?? 0) - (dueUs[i - 1] ?? 0);
    squares += (gapUs - meanUs) * (gapUs - meanUs);
  }
  return Math.sqrt(squares / gaps) / meanUs;
}

function mostAtOneTime(dueUs: readonly number[]): number {
  let most = 0;
  let run = 0;
  for (const [i, us] of dueUs.entries()) {
    run = us === dueUs[i - 1] ? run + 1 : 1;
    most = Math.max(most, run);
  }
  return most;
}
