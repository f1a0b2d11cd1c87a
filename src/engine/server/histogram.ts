/** A histogram of seconds as Prometheus defines it: counts up to each bound, a sum and a count. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** One more than bounds: the last has what is above them all. */
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` in seconds, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array<number>(bounds.length + 1).fill(0);
  }

  observe(seconds: number): void {
    let i = 0;
    while (i < this.#bounds.length && seconds > (this.#bounds[i] ?? 0)) i++;
    this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    this.#sum += seconds;
  }

  /** Its lines in Prometheus' text format. */
  text(name: string, labels: string): string {
    let total = 0;
    const lines = this.#counts.map((count, i) => {
      total += count;
      return `${name}_bucket{${labels},le="${this.#bounds[i] ?? '+Inf'}"} ${total}\n`;
    });
    return `${lines.join('')}${name}_sum{${labels}} ${this.#sum}\n${name}_count{${labels}} ${total}\n`;
  }
}
