/** One more and a JavaScript map throws. */
const MOST_IN_A_MAP = 2 ** 24;

/** A map of as many entries as memory holds. */
export class LargeMap<K, V> {
  readonly #maps: Map<K, V>[] = [new Map<K, V>()];
  readonly #mostInAMap: number;

  constructor(mostInAMap = MOST_IN_A_MAP) {
    this.#mostInAMap = mostInAMap;
  }

  get(key: K): V | undefined {
    return this.#mapOf(key)?.get(key);
  }

  set(key: K, value: V): void {
    let map = this.#mapOf(key) ?? this.#maps.at(-1);
    if (map === undefined || (map.size >= this.#mostInAMap && !map.has(key))) {
      map = new Map<K, V>();
      this.#maps.push(map);
    }
    map.set(key, value);
  }

  #mapOf(key: K): Map<K, V> | undefined {
    return this.#maps.length === 1 ? this.#maps[0] : this.#maps.find((map) => map.has(key));
  }
}
