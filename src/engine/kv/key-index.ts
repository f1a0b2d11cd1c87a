/**
 * Which blocks hold the tokens that a key names. Several may hold the same: two requests that begin alike and compute
 * it at the same time are not made one. They are found in the order in which they were added.
 */
export class KeyIndex {
  readonly #first = new Map<number, number>();
  /** Rings of blocks with the same key, in order. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;

  constructor(blocks: number) {
    this.#next = new Int32Array(blocks);
    this.#previous = new Int32Array(blocks);
  }

  find(key: number): number | undefined {
    return this.#first.get(key);
  }

  add(key: number, block: number): void {
    const first = this.#first.get(key);
    if (first === undefined) {
      this.#first.set(key, block);
      this.#link(block, block);
      return;
    }
    this.#link(this.#previous[first] ?? first, block);
    this.#link(block, first);
  }

  remove(key: number, block: number): void {
    const next = this.#next[block] ?? block;
    if (next === block) this.#first.delete(key);
    else {
      this.#link(this.#previous[block] ?? block, next);
      if (this.#first.get(key) === block) this.#first.set(key, next);
    }
  }

  #link(block: number, next: number): void {
    this.#next[block] = next;
    this.#previous[next] = block;
  }
}
