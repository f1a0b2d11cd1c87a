import { ascendingOrder } from '../../src/metrics/ascending-order.ts';
import { release } from '../../src/core/release.ts';

/** A growing subset of known values, asked for its k-th smallest: a Fenwick tree over the ranks of the values. */
export class RankedSet {
  readonly #sorted: Float64Array<ArrayBuffer>;
  /** Rank, from 1, of each value by its index. */
  readonly #rank: Uint32Array<ArrayBuffer>;
  readonly #tree: Uint32Array<ArrayBuffer>;
  #size = 0;

  constructor(values: Float64Array<ArrayBuffer>) {
    const order = ascendingOrder(values);
    this.#sorted = values.slice().sort();
    this.#rank = new Uint32Array(values.length);
    order.forEach((index, rank) => (this.#rank[index] = rank + 1));
    release(order);
    this.#tree = new Uint32Array(values.length + 1);
  }

  /** Nothing more is asked. */
  release(): void {
    release(this.#sorted, this.#rank, this.#tree);
  }

  /** Puts the value at an index in; each once. */
  add(index: number): void {
    this.#size++;
    for (let node = this.#rank[index] ?? 0; node < this.#tree.length; node += node & -node)
      this.#tree[node] = (this.#tree[node] ?? 0) + 1;
  }

  /** The k-th smallest value in the set, from 1; null if it holds fewer. */
  smallest(k: number): number | null {
    if (k < 1 || k > this.#size) return null;
    let node = 0;
    let left = k;
    for (let step = 2 ** Math.floor(Math.log2(this.#tree.length)); step >= 1; step /= 2) {
      const within = this.#tree[node + step];
      if (within === undefined || within >= left) continue;
      node += step;
      left -= within;
    }
    return this.#sorted[node] ?? null;
  }
}
