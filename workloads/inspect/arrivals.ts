export interface ArrivalStatistics {
  readonly duration_s: number;
  /** (n - 1) / duration. */
  readonly rate_rps: number | null;
  /** Coefficient of variation of the gaps between arrivals; 1 for Poisson. */
  readonly iat_cv: number | null;
  /** Index of dispersion of counts, by window: variance over mean; 1 for Poisson at every window. */
  readonly idc: { readonly '1s': number | null; readonly '10s': number | null; readonly '60s': number | null };
  readonly peak_10s_over_mean: number | null;
  readonly max_same_time: number;
}

/** Of due times in order. Null where there are too few arrivals for a figure. */
export function arrivalStatistics(dueUs: readonly number[]): ArrivalStatistics {
  const firstUs = dueUs[0] ?? 0;
  const durationUs = (dueUs.at(-1) ?? 0) - firstUs;
  const rateRps = durationUs > 0 ? ((dueUs.length - 1) * 1e6) / durationUs : null;
  const gaps = dueUs.slice(1).map((us, i) => us - (dueUs[i] ?? us));
  const counts = (windowS: number): number[] => countsPerWindow(dueUs, windowS * 1e6);
  const peak10 = counts(10).reduce((most, count) => Math.max(most, count), 0) / 10;
  return {
    duration_s: durationUs / 1e6,
    rate_rps: rateRps,
    iat_cv: variationOf(gaps),
    idc: { '1s': dispersion(counts(1)), '10s': dispersion(counts(10)), '60s': dispersion(counts(60)) },
    peak_10s_over_mean: rateRps === null ? null : peak10 / rateRps,
    max_same_time: mostAtOneTime(dueUs),
  };
}

/** Counts in bins [k w, (k + 1) w) from the first arrival, the last bin included. */
function countsPerWindow(dueUs: readonly number[], windowUs: number): number[] {
  const firstUs = dueUs[0] ?? 0;
  const last = Math.floor(((dueUs.at(-1) ?? firstUs) - firstUs) / windowUs);
  const counts = Array.from({ length: dueUs.length === 0 ? 0 : last + 1 }, () => 0);
  for (const us of dueUs) {
    const bin = Math.floor((us - firstUs) / windowUs);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** Population variance over mean of the complete bins: the last one is cut off by the trace's end. */
function dispersion(counts: readonly number[]): number | null {
  const complete = counts.slice(0, -1);
  if (complete.length < 2) return null;
  const { mean, variance } = moments(complete);
  return mean === 0 ? null : variance / mean;
}

function variationOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const { mean, variance } = moments(values);
  return mean === 0 ? null : Math.sqrt(variance) / mean;
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / values.length };
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
