/** The numbers from 0 to `size` - 1 in a queue from which any of them can be removed, each step in constant time. */
export class FreeQueue {
  /** Neighbours in the queue; `#end` stands after the last and before the first. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #end: number;

  constructor(size: number) {
    this.#end = size;
    this.#next = new Int32Array(size + 1);
    this.#previous = new Int32Array(size + 1);
    this.#previous[0] = size;
    for (let i = 0; i < size; i++) this.#previous[i + 1] = i;
    for (let i = 0; i < size; i++) this.#next[i] = i + 1;
  }

  /** Takes the first number; there must be one. */
  shift(): number {
    const first = this.#next[this.#end] ?? this.#end;
    this.remove(first);
    return first;
  }

  push(item: number): void {
    this.#insert(this.#previous[this.#end] ?? this.#end, item, this.#end);
  }

  unshift(item: number): void {
    this.#insert(this.#end, item, this.#next[this.#end] ?? this.#end);
  }

  remove(item: number): void {
    const previous = this.#previous[item] ?? this.#end;
    const next = this.#next[item] ?? this.#end;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #insert(previous: number, item: number, next: number): void {
    this.#next[previous] = item;
    this.#previous[item] = previous;
    this.#next[item] = next;
    this.#previous[next] = item;
  }
}
