/** One more and a JavaScript set throws. */
const MOST_IN_A_SET = 2 ** 24;

/** A set of as many values as memory holds: a week's trace has more block ids than one `Set` takes. */
export class LargeSet<T> {
  readonly #sets: Set<T>[] = [];
  readonly #mostInASet: number;
  #open: Set<T>;

  constructor(mostInASet = MOST_IN_A_SET) {
    this.#mostInASet = mostInASet;
    this.#open = this.#another();
  }

  get size(): number {
    return this.#sets.reduce((all, { size }) => all + size, 0);
  }

  has(value: T): boolean {
    for (const set of this.#sets) if (set.has(value)) return true;
    return false;
  }

  add(value: T): void {
    if (this.has(value)) return;
    if (this.#open.size >= this.#mostInASet) this.#open = this.#another();
    this.#open.add(value);
  }

  #another(): Set<T> {
    const set = new Set<T>();
    this.#sets.push(set);
    return set;
  }
}
