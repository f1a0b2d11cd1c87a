/** A queue as policies see it. */
export interface QueueView<T> {
  readonly length: number;
  /** The item at position `index` from the head. */
  at(index: number): T | undefined;
}

/**
 * A first-come queue whose head can also be pushed back, for preempted requests, and whose items can leave from
 * anywhere. Taken slots at the front are kept until they are half of the array, so that neither end costs a shift:
 *
 *     [ taken, taken, head, ..., tail ]
 *                     ^ #head
 */
export class WaitingQueue<T> implements QueueView<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** The sum of what `of` says of each. */
  sum(of: (item: T) => number): number {
    let sum = 0;
    for (let i = this.#head; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item !== undefined) sum += of(item);
    }
    return sum;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  prepend(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item;
    else this.#items.unshift(item);
  }

  /** Takes `item` out, wherever it stands; quick at the head. */
  remove(item: T): void {
    const index = this.#items.indexOf(item, this.#head);
    if (index === -1) throw new Error('not in the queue');
    if (index > this.#head) this.#items.splice(index, 1);
    else this.#dropHead();
  }

  /** By `key`, the lowest first; equals keep their order. `key` is asked once for each, from the head. */
  sort(key: (item: T) => number): void {
    const keyed: { readonly item: T; readonly key: number }[] = [];
    for (let i = 0; i < this.length; i++) {
      const item = this.at(i);
      if (item !== undefined) keyed.push({ item, key: key(item) });
    }
    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    this.#items = keyed.map(({ item }) => item);
    this.#head = 0;
  }

  #dropHead(): void {
    this.#items[this.#head++] = undefined;
    if (this.#head * 2 < this.#items.length) return;
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}
