/** An item that can be evicted, least recently used first. */
export interface Evictable {
  /** Last use, on a logical counter that only grows. */
  usedAt: number;
  /** Whether the item is in the heap; set by the heap. */
  isQueued: boolean;
}

/**
 * A binary heap of evictable items, least recently used first. Items may be used while they are in it: each is ordered
 * by its last use when it was added, and is moved to its right place when it comes to the top.
 */
export class EvictionHeap<T extends Evictable> {
  readonly #items: T[] = [];
  readonly #ranks: number[] = [];

  push(item: T): void {
    if (item.isQueued) return;
    item.isQueued = true;
    this.#rise(this.#items.length, item);
  }

  /**
   * Takes out the least recently used item for which `isEvictable` holds, and drops those before it for which it does
   * not.
   */
  pop(isEvictable: (item: T) => boolean): T | undefined {
    for (;;) {
      const top = this.#items[0];
      if (top === undefined) return undefined;
      if (isEvictable(top) && top.usedAt !== this.#ranks[0]) {
        this.#sink(0, top);
        continue;
      }
      const last = this.#items.pop();
      this.#ranks.pop();
      if (last !== undefined && last !== top) this.#sink(0, last);
      top.isQueued = false;
      if (isEvictable(top)) return top;
    }
  }

  #rise(from: number, item: T): void {
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#rankAt(parent) <= item.usedAt) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#place(hole, item, item.usedAt);
  }

  #sink(from: number, item: T): void {
    const size = this.#items.length;
    const rank = item.usedAt;
    let hole = from;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#rankAt(child + 1) < this.#rankAt(child)) child++;
      if (rank <= this.#rankAt(child)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#place(hole, item, rank);
  }

  #rankAt(index: number): number {
    return this.#ranks[index] ?? Number.NaN;
  }

  #move(from: number, to: number): void {
    const item = this.#items[from];
    if (item !== undefined) this.#place(to, item, this.#rankAt(from));
  }

  #place(index: number, item: T, rank: number): void {
    this.#items[index] = item;
    this.#ranks[index] = rank;
  }
}
