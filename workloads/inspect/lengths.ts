import type { LengthStatistics } from '../../src/core/trace-inspection.ts';
import { quantiles, type Counted } from './durations.ts';

/** Lengths below it are counted in an array. */
const USUAL = 2 ** 18;

/** Lengths counted by value, which stays small however many requests there are: percentiles are exact. */
export class Lengths {
  #usual = new Uint32Array(1024);
  readonly #longer = new Map<number, number>();
  #n = 0;
  #sum = 0;
  #squares = 0;

  add(tokens: number): void {
    if (tokens < USUAL) {
      while (tokens >= this.#usual.length) this.#grow();
      this.#usual[tokens] = (this.#usual[tokens] ?? 0) + 1;
    } else this.#longer.set(tokens, (this.#longer.get(tokens) ?? 0) + 1);
    this.#n++;
    this.#sum += tokens;
    this.#squares += tokens * tokens;
  }

  #grow(): void {
    const usual = new Uint32Array(this.#usual.length * 2);
    usual.set(this.#usual);
    this.#usual = usual;
  }

  sorted(): Counted[] {
    const all: Counted[] = [];
    for (let value = 0; value < this.#usual.length; value++) {
      const count = this.#usual[value] ?? 0;
      if (count > 0) all.push([value, count]);
    }
    return [...all, ...[...this.#longer].toSorted(([a], [b]) => a - b)];
  }

  statistics(): LengthStatistics {
    const sorted = this.sorted();
    const at = quantiles(sorted, this.#n);
    const [max = null, atMax = 0] = sorted.at(-1) ?? [];
    const mean = this.#n === 0 ? null : this.#sum / this.#n;
    const sd = mean === null ? null : Math.sqrt(Math.max(0, this.#squares / this.#n - mean * mean));
    return {
      mean,
      sd,
      cv: mean === null || sd === null ? null : sd / mean,
      sum: this.#sum,
      min: sorted[0]?.[0] ?? null,
      p1: at(0.01),
      p5: at(0.05),
      p10: at(0.1),
      p25: at(0.25),
      p50: at(0.5),
      p75: at(0.75),
      p90: at(0.9),
      p95: at(0.95),
      p99: at(0.99),
      p999: at(0.999),
      max,
      at_max: atMax,
    };
  }
}
