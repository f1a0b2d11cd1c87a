import { hashOfNumber } from './hashes.ts';
import { NumberTable } from './number-table.ts';

/** The standard error of an estimate is then 0.2 %. */
const MOST = 2 ** 18;

/** Counts distinct numbers: exactly up to 262,144, and by a sample of their hashes beyond. */
export class DistinctNumbers {
  readonly #most: number;
  #kept = new NumberTable();
  /** Numbers whose hash is below it are kept. */
  #below = 2 ** 32;

  constructor(most = MOST) {
    this.#most = most;
  }

  add(value: number): void {
    if (this.#below < 2 ** 32 && hashOfNumber(value) >= this.#below) return;
    this.#kept.add(value);
    while (this.#kept.size > this.#most) {
      this.#below /= 2;
      const all = this.#kept.keys();
      this.#kept = new NumberTable();
      for (const each of all) if (hashOfNumber(each) < this.#below) this.#kept.add(each);
    }
  }

  get isExact(): boolean {
    return this.#below === 2 ** 32;
  }

  get count(): number {
    return Math.round((this.#kept.size * 2 ** 32) / this.#below);
  }
}
