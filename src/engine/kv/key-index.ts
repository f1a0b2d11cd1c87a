const NONE = -1;

/**
 * Blocks by key: above 0 a key that can be searched, below 0 one that can only be compared, 0 none. Several blocks may
 * have the same key: two requests that begin alike and compute it at the same time are not merged. They are found in
 * the order in which they got the key.
 *
 * A hash table with linear probing, because a long prompt brings thousands of keys, for which a Map takes four times as
 * long.
 */
export class KeyIndex {
  readonly #keys: Float64Array;
  /** The first block of each key, at the first empty place from `#home(key)` on. */
  readonly #table: Int32Array;
  readonly #mask: number;
  /** Rings of blocks with the same key, in order. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(blocks: number) {
    let size = 4;
    while (size < 2 * blocks) size *= 2;
    this.#keys = new Float64Array(blocks);
    this.#table = new Int32Array(size).fill(NONE);
    this.#mask = size - 1;
    this.#next = new Int32Array(blocks);
    this.#previous = new Int32Array(blocks);
  }

  keyOf(block: number): number {
    return this.#keys[block] ?? 0;
  }

  /** The first block with `key`; -1 if there is none. */
  find(key: number): number {
    return this.#table[this.#placeOf(key)] ?? NONE;
  }

  /** Gives a key to a block that has none. */
  setKey(block: number, key: number): void {
    this.#keys[block] = key;
    if (key <= 0) return;
    const place = this.#placeOf(key);
    const first = this.#table[place] ?? NONE;
    if (first === NONE) {
      this.#table[place] = block;
      this.#link(block, block);
    } else {
      this.#link(this.#previous[first] ?? first, block);
      this.#link(block, first);
    }
  }

  dropKey(block: number): void {
    const key = this.keyOf(block);
    if (key > 0) {
      const place = this.#placeOf(key);
      const next = this.#next[block] ?? block;
      if (next === block) this.#empty(place);
      else {
        this.#link(this.#previous[block] ?? block, next);
        if (this.#table[place] === block) this.#table[place] = next;
      }
    }
    this.#keys[block] = 0;
  }

  #link(block: number, next: number): void {
    this.#next[block] = next;
    this.#previous[next] = block;
  }

  #home(key: number): number {
    return (key | 0) & this.#mask;
  }

  /** The place of `key`, or the place where it would be added. */
  #placeOf(key: number): number {
    let place = this.#home(key);
    for (;;) {
      const block = this.#table[place] ?? NONE;
      if (block === NONE || this.#keys[block] === key) return place;
      place = (place + 1) & this.#mask;
    }
  }

  /** Empties a place, and moves up later entries that would no longer be found. */
  #empty(place: number): void {
    const mask = this.#mask;
    let hole = place;
    for (let probe = (place + 1) & mask; ; probe = (probe + 1) & mask) {
      const block = this.#table[probe] ?? NONE;
      if (block === NONE) break;
      const home = this.#home(this.keyOf(block));
      if (((probe - home) & mask) < ((probe - hole) & mask)) continue;
      this.#table[hole] = block;
      hole = probe;
    }
    this.#table[hole] = NONE;
  }
}
