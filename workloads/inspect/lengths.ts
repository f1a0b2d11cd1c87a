export interface LengthStatistics {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** Lengths counted by value, which stays small however many requests there are. */
export class Lengths {
  readonly #counts = new Map<number, number>();
  #n = 0;
  #sum = 0;

  add(tokens: number): void {
    this.#counts.set(tokens, (this.#counts.get(tokens) ?? 0) + 1);
    this.#n++;
    this.#sum += tokens;
  }

  /** Percentiles by linear interpolation between order statistics (type 7), as trace papers quote them. */
  statistics(): LengthStatistics {
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
    const at = (q: number): number | null => {
      const position = (this.#n - 1) * q;
      const below = valueAt(sorted, Math.floor(position));
      const above = valueAt(sorted, Math.ceil(position));
      return below === null || above === null ? null : below + (above - below) * (position - Math.floor(position));
    };
    return {
      mean: this.#n === 0 ? null : this.#sum / this.#n,
      p50: at(0.5),
      p90: at(0.9),
      p99: at(0.99),
      max: sorted.at(-1)?.[0] ?? null,
    };
  }
}

/** The value at a rank, from 0, among all lengths in order. */
function valueAt(sorted: readonly (readonly [value: number, count: number])[], rank: number): number | null {
  let before = 0;
  for (const [value, count] of sorted) {
    before += count;
    if (rank < before) return value;
  }
  return null;
}
