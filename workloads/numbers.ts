/** One entry more and a `Map` throws. */
const MOST_IN_A_MAP = 2 ** 24;

/** Numbers keys in the order in which they come first: 0, 1, 2, ...; as many as memory holds. */
export class Numbers {
  readonly #maps: Map<number, number>[] = [];
  #next = 0;

  /** How many keys have a number. */
  get size(): number {
    return this.#next;
  }

  of(key: number): number {
    for (const map of this.#maps) {
      const known = map.get(key);
      if (known !== undefined) return known;
    }
    if (this.#next % MOST_IN_A_MAP === 0) this.#maps.push(new Map());
    this.#maps.at(-1)?.set(key, this.#next);
    return this.#next++;
  }
}
