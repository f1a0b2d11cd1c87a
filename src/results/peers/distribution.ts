import { Samples, sum } from '../../metrics/samples.ts';

/** How a tool finds a percentile: numpy's straight line between the two nearest values, or the value at a share of the weight. */
export type Percentiles = 'linear' | 'weighted';

/** Statistics of the values that there are; no value, no statistics. */
export interface Statistics {
  readonly n: number;
  readonly sum: number;
  readonly mean: number;
  /** Of the whole population, as numpy's. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
  /** `permille` is 1000 q. */
  at(permille: number): number;
}

/** Values of one metric; those without a weight weigh 1. */
export class Distribution {
  readonly #values = new Samples();
  /** Beside `#values`; empty while every weight is 1. */
  #weights: Samples | null = null;

  get length(): number {
    return this.#values.length;
  }

  push(value: number, weight = 1): void {
    if (weight !== 1 && this.#weights === null) {
      this.#weights = new Samples();
      for (let i = 0; i < this.#values.length; i++) this.#weights.push(1);
    }
    this.#values.push(value);
    this.#weights?.push(weight);
  }

  statistics(percentiles: Percentiles): Statistics | null {
    if (this.#weights !== null) return weighted(this.#values.values(), this.#weights.values());
    if (this.#values.length === 0) return null;
    const sorted = this.#values.sorted();
    return statisticsOf(sorted, percentiles === 'linear' ? linear : nearest);
  }
}

function statisticsOf(sorted: Float64Array, at: (sorted: Float64Array, permille: number) => number): Statistics {
  const n = sorted.length;
  const total = sum(sorted);
  const mean = total / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += ((sorted[i] ?? 0) - mean) ** 2;
  return {
    n,
    sum: total,
    mean,
    std: Math.sqrt(squares / n),
    min: sorted[0] ?? 0,
    max: sorted[n - 1] ?? 0,
    at: (permille) => at(sorted, permille),
  };
}

/** numpy's default: at (n - 1) q between the values. */
function linear(sorted: Float64Array, permille: number): number {
  const rank = ((sorted.length - 1) * permille) / 1000;
  const low = Math.floor(rank);
  const from = sorted[low] ?? 0;
  return from + ((sorted[low + 1] ?? from) - from) * (rank - low);
}

/** The smallest value at which the share of the values reaches q. */
function nearest(sorted: Float64Array, permille: number): number {
  return sorted[Math.max(1, Math.ceil((sorted.length * permille) / 1000)) - 1] ?? 0;
}

/** As `nearest`, by the share of the weight. Values of no weight are none. */
function weighted(values: Float64Array, weights: Float64Array): Statistics | null {
  const order = Uint32Array.from(values.keys())
    .filter((i) => (weights[i] ?? 0) > 0)
    .sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  if (order.length === 0) return null;
  const sorted = Float64Array.from(order, (i) => values[i] ?? 0);
  const sizes = Float64Array.from(order, (i) => weights[i] ?? 0);
  const total = sum(sizes);
  let mean = 0;
  for (const [i, value] of sorted.entries()) mean += value * ((sizes[i] ?? 0) / total);
  let variance = 0;
  for (const [i, value] of sorted.entries()) variance += (value - mean) ** 2 * ((sizes[i] ?? 0) / total);
  return {
    n: sorted.length,
    sum: mean * total,
    mean,
    std: Math.sqrt(variance),
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    at: (permille) => {
      const wanted = (total * permille) / 1000;
      let passed = 0;
      for (const [i, size] of sizes.entries()) {
        passed += size;
        if (passed >= wanted) return sorted[i] ?? 0;
      }
      return sorted.at(-1) ?? 0;
    },
  };
}
