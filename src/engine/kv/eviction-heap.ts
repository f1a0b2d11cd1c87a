/** Something that can be evicted; the longer ago it was used, the sooner. */
export interface Evictable {
  /** Of a logical counter that only grows. */
  usedAt: number;
  /** Kept by the heap: whether it is in there. */
  isQueued: boolean;
}

/**
 * A binary heap of what can be evicted, least recently used first. Items may be used while they are in it: the place of
 * each goes by the use known when it was put there, and is set right when it comes to the top.
 */
export class EvictionHeap<T extends Evictable> {
  readonly #items: T[] = [];
  readonly #ranks: number[] = [];

  push(item: T): void {
    if (item.isQueued) return;
    item.isQueued = true;
    this.#rise(this.#items.length, item);
  }

  /** Takes out the least recently used for which `isEvictable` still holds; those for which it does not go too. */
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
