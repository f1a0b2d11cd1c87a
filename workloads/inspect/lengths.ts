export interface LengthStatistics {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Percentiles by linear interpolation between order statistics (type 7), as trace papers quote them. */
export function lengthStatistics(lengths: readonly number[]): LengthStatistics {
  const sorted = lengths.toSorted((a, b) => a - b);
  const at = (q: number): number | null => {
    const position = (sorted.length - 1) * q;
    const below = sorted[Math.floor(position)];
    const above = sorted[Math.ceil(position)];
    return below === undefined || above === undefined
      ? null
      : below + (above - below) * (position - Math.floor(position));
  };
  return {
    mean: sorted.length === 0 ? null : sorted.reduce((sum, length) => sum + length, 0) / sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: sorted.at(-1) ?? null,
  };
}
