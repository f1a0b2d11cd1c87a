import type { LruPoint } from '../../src/core/trace-inspection.ts';
import { hashOfNumber } from './hashes.ts';
import { NumberTable } from './number-table.ts';

/** Distinct blocks that are followed; of more, a sample. */
const MOST_BLOCKS = 2 ** 21;
const LEAST = 1024;

/** Distinct blocks by how many rows have them. */
export interface BlockUses {
  readonly once: number;
  readonly twice: number;
  readonly ten_or_more: number;
  readonly max: number;
}

/**
 * Hits of leading blocks in an LRU cache, for every size of it at once: a row's block is a hit where the cache holds it
 * and all before it, which is where it is no smaller than the largest of their stack distances, the number of distinct
 * blocks touched since. A row's hits are counted first, then its blocks are touched in order.
 *
 * Distances are sums over a Fenwick tree of the touches that are each block's last. Beyond 2,097,152 distinct blocks,
 * half of them by hash go on (SHARDS), and so on: distances are then scaled, and shares are those of the sample.
 */
export class StackDistances {
  readonly #most: number;
  #table = new NumberTable();
  /** The touch that is the last of each block, by its index in the table, and how many rows have it. */
  #lasts = new Int32Array(LEAST);
  #uses = new Int32Array(LEAST);
  #tree = new Int32Array(4 * LEAST);
  #touches = 0;
  /** Share of the distinct blocks that are followed. */
  #share = 1;
  /** Hits by distance in followed blocks, and blocks of all rows. */
  #hits = new Float64Array(LEAST);
  #blocks = 0;

  constructor(most = MOST_BLOCKS) {
    this.#most = most;
  }

  get sampled(): number {
    return this.#share;
  }

  add(blocks: readonly number[]): void {
    const followed = this.#share === 1 ? blocks : blocks.filter((id) => this.#isFollowed(id));
    let furthest = 0;
    for (const id of followed) {
      const index = this.#table.indexOf(id);
      if (index === -1) break;
      furthest = Math.max(furthest, this.#table.size - this.#sumTo((this.#lasts[index] ?? 0) - 1));
      this.#hits[furthest] = (this.#hits[furthest] ?? 0) + 1 / this.#share;
    }
    this.#blocks += followed.length / this.#share;
    for (const id of followed) this.#touch(id);
    while (this.#table.size > this.#most) this.#halve();
  }

  #isFollowed(id: number): boolean {
    return hashOfNumber(id) < this.#share * 2 ** 32;
  }

  #touch(id: number): void {
    if (this.#touches + 1 >= this.#tree.length) this.#renumber();
    const known = this.#table.size;
    const index = this.#table.add(id);
    if (index < known) this.#change(this.#lasts[index] ?? 0, -1);
    if (index >= this.#lasts.length) {
      this.#lasts = grown(this.#lasts);
      this.#uses = grown(this.#uses);
    }
    // Distances are up to the number of blocks.
    if (index + 1 >= this.#hits.length) this.#hits = grown(this.#hits);
    const at = ++this.#touches;
    this.#change(at, 1);
    this.#lasts[index] = at;
    this.#uses[index] = (this.#uses[index] ?? 0) + 1;
  }

  /** Counts touches from 1 again, without those that are no block's last; there is room for thrice as many. */
  #renumber(): void {
    const { size } = this.#table;
    const owners = new Int32Array(this.#touches + 1).fill(-1);
    for (let index = 0; index < size; index++) owners[this.#lasts[index] ?? 0] = index;
    this.#tree = new Int32Array(4 * Math.max(LEAST, size));
    this.#touches = 0;
    for (const index of owners) {
      if (index === -1) continue;
      this.#lasts[index] = ++this.#touches;
      this.#change(this.#touches, 1);
    }
  }

  /** Half of the blocks, by hash, are followed no further. */
  #halve(): void {
    this.#share /= 2;
    const [ids, lasts, uses] = [this.#table.keys(), this.#lasts, this.#uses];
    this.#table = new NumberTable();
    this.#lasts = new Int32Array(lasts.length);
    this.#uses = new Int32Array(uses.length);
    for (const [index, id] of ids.entries()) {
      if (!this.#isFollowed(id)) continue;
      const at = this.#table.add(id);
      this.#lasts[at] = lasts[index] ?? 0;
      this.#uses[at] = uses[index] ?? 0;
    }
    this.#renumber();
    const hits = this.#hits;
    this.#hits = new Float64Array(hits.length);
    for (const [distance, count] of hits.entries()) {
      const half = Math.ceil(distance / 2);
      this.#hits[half] = (this.#hits[half] ?? 0) + count;
    }
  }

  #change(touch: number, by: number): void {
    for (let i = touch; i < this.#tree.length; i += i & -i) this.#tree[i] = (this.#tree[i] ?? 0) + by;
  }

  #sumTo(touch: number): number {
    let sum = 0;
    for (let i = touch; i > 0; i -= i & -i) sum += this.#tree[i] ?? 0;
    return sum;
  }

  /** Share of all blocks that are hits in a cache of each size; sizes in ascending order. */
  curve(sizes: readonly number[]): LruPoint[] {
    let [distance, hits] = [0, 0];
    return sizes.map((blocks) => {
      const most = Math.min(this.#hits.length - 1, Math.floor(blocks * this.#share));
      for (; distance <= most; distance++) hits += this.#hits[distance] ?? 0;
      return { blocks, hit_ratio: this.#blocks === 0 ? 0 : hits / this.#blocks };
    });
  }

  /** The least size of a cache that loses nothing to one without limit; 0 where there is no hit. */
  get enough(): number {
    return (
      Math.max(
        0,
        this.#hits.findLastIndex((hits) => hits > 0),
      ) / this.#share
    );
  }

  /** Of the blocks that are followed. */
  uses(): BlockUses {
    const found = { once: 0, twice: 0, ten_or_more: 0, max: 0 };
    for (const uses of this.#uses.subarray(0, this.#table.size)) {
      if (uses === 1) found.once++;
      if (uses === 2) found.twice++;
      if (uses >= 10) found.ten_or_more++;
      found.max = Math.max(found.max, uses);
    }
    return found;
  }
}

function grown<T extends Int32Array | Float64Array>(column: T): T;
function grown(column: Int32Array | Float64Array): Int32Array | Float64Array {
  const twice = column instanceof Int32Array ? new Int32Array(column.length * 2) : new Float64Array(column.length * 2);
  twice.set(column);
  return twice;
}
