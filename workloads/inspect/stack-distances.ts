import type { LruPoint } from '../../src/core/trace-inspection.ts';
import { hashOfNumber } from './hashes.ts';
import { LiveTouches } from './live-touches.ts';

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
 * Blocks that were touched one behind the other, as those of a prompt that goes on from an earlier one were, are no
 * further than the first of them: one distance is counted for all.
 *
 * Beyond 2,097,152 distinct blocks, half of them by hash go on (SHARDS), and so on: distances are then scaled, and shares
 * are those of the sample.
 */
export class StackDistances {
  readonly #most: number;
  /** By the number of each block: its last touch, 0 for none, how many rows have it, and up to which halving it is followed. */
  #lasts = new Int32Array(LEAST);
  #uses = new Int32Array(LEAST);
  #halvings = new Uint8Array(LEAST);
  /** Blocks that have a number, and those that are followed. */
  #known = 0;
  #followed = 0;
  #live = new LiveTouches(LEAST, 0);
  #touches = 0;
  #halved = 0;
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

  /** The ids of a row's blocks, and their numbers: from 0, a new one the next. */
  add(ids: readonly number[], numbers: Int32Array): void {
    for (let i = 0; i < numbers.length; i++) if (numbers[i] === this.#known) this.#meet(ids[i] ?? 0);
    this.#countHits(numbers);
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] ?? 0;
      if (this.#isFollowed(number)) this.#touch(number);
    }
    while (this.#followed > this.#most) this.#halve();
  }

  #meet(id: number): void {
    if (this.#known === this.#lasts.length) {
      this.#lasts = grown(this.#lasts, Int32Array);
      this.#uses = grown(this.#uses, Int32Array);
      this.#halvings = grown(this.#halvings, Uint8Array);
    }
    this.#halvings[this.#known++] = Math.clz32(hashOfNumber(id));
  }

  #isFollowed(number: number): boolean {
    return (this.#halvings[number] ?? 0) >= this.#halved;
  }

  #countHits(numbers: Int32Array): void {
    let [furthest, before] = [0, -1];
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] ?? 0;
      if (!this.#isFollowed(number)) continue;
      const last = this.#lasts[number] ?? 0;
      if (last === 0) return;
      if (last !== before + 1) furthest = Math.max(furthest, this.#followed - this.#live.countTo(last - 1));
      before = last;
      this.#hits[furthest] = (this.#hits[furthest] ?? 0) + 1 / this.#share;
    }
  }

  #touch(number: number): void {
    if (this.#touches === this.#live.capacity) this.#renumber();
    const last = this.#lasts[number] ?? 0;
    if (last > 0) this.#live.remove(last);
    else this.#follow();
    this.#live.add(++this.#touches);
    this.#lasts[number] = this.#touches;
    this.#uses[number] = (this.#uses[number] ?? 0) + 1;
    this.#blocks += 1 / this.#share;
  }

  /** One more. Distances are up to their number. */
  #follow(): void {
    if (++this.#followed === this.#hits.length) this.#hits = grown(this.#hits, Float64Array);
  }

  /** Counts touches from 1 again, without those that are no block's last; there is room for seven times as many more. */
  #renumber(): void {
    for (let number = 0; number < this.#known; number++) {
      const last = this.#lasts[number] ?? 0;
      if (last > 0) this.#lasts[number] = this.#live.countTo(last);
    }
    this.#touches = this.#followed;
    this.#live = new LiveTouches(8 * Math.max(LEAST, this.#followed), this.#followed);
  }

  /** Half of the blocks, by hash, are followed no further. */
  #halve(): void {
    this.#halved++;
    this.#share /= 2;
    for (let number = 0; number < this.#known; number++) {
      const last = this.#lasts[number] ?? 0;
      if (last === 0 || this.#isFollowed(number)) continue;
      this.#live.remove(last);
      this.#lasts[number] = 0;
      this.#followed--;
    }
    this.#renumber();
    const hits = this.#hits;
    this.#hits = new Float64Array(hits.length);
    for (const [distance, count] of hits.entries()) {
      const half = Math.ceil(distance / 2);
      this.#hits[half] = (this.#hits[half] ?? 0) + count;
    }
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
    for (const [number, uses] of this.#uses.subarray(0, this.#known).entries()) {
      if (!this.#isFollowed(number)) continue;
      if (uses === 1) found.once++;
      if (uses === 2) found.twice++;
      if (uses >= 10) found.ten_or_more++;
      found.max = Math.max(found.max, uses);
    }
    return found;
  }
}

function grown<T extends Int32Array | Uint8Array | Float64Array>(column: T, Column: new (length: number) => T): T {
  const twice = new Column(column.length * 2);
  twice.set(column);
  return twice;
}
