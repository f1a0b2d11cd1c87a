/** Slots to begin with; a power of two. */
const SLOTS = 1024;
/** A table of more slots than this has at most `MOST_SPARSE` for each value: one value that stays is no reason to grow. */
const ENOUGH_SLOTS = 65_536;
const MOST_SPARSE = 16;

/**
 * Values by whole numbers that come roughly one after another, such as the indices of requests in flight: a table in
 * which a number's slot is its last bits, twice as large once two of them would share one. A look-up reads one slot, where
 * a Map reads several places in memory. And a Map that values come into and leave has V8 keep them: each table that it
 * outgrew refers to the next and to what was in it, which makes all of it old garbage by the time the young is collected.
 */
export class ByIndex<T> {
  #values = emptySlots<T>(SLOTS);
  #indices = new Float64Array(SLOTS).fill(-1);
  #size = 0;
  /** Values whose slot is taken, where the table is not to grow. */
  readonly #others = new Map<number, T>();

  get size(): number {
    return this.#size;
  }

  get(index: number): T | undefined {
    const slot = index & (this.#values.length - 1);
    if (this.#indices[slot] === index) return this.#values[slot];
    return this.#others.size === 0 ? undefined : this.#others.get(index);
  }

  /** Adds a value; there is none of this index. */
  set(index: number, value: T): void {
    if (this.has(index)) throw new Error(`there is a value of index ${index}`);
    this.#size++;
    while (this.#indices[index & (this.#values.length - 1)] !== -1) {
      if (this.#values.length >= Math.max(ENOUGH_SLOTS, MOST_SPARSE * this.#size)) {
        this.#others.set(index, value);
        return;
      }
      this.#grow();
    }
    this.#put(index, value);
  }

  has(index: number): boolean {
    return this.#indices[index & (this.#values.length - 1)] === index || this.#others.has(index);
  }

  /** The indices there are, in their order. */
  indices(): Float64Array {
    return Float64Array.from([...this.#indices.filter((index) => index !== -1), ...this.#others.keys()]).sort();
  }

  delete(index: number): void {
    const slot = index & (this.#values.length - 1);
    if (this.#indices[slot] === index) {
      this.#indices[slot] = -1;
      this.#values[slot] = undefined;
    } else if (!this.#others.delete(index)) return;
    this.#size--;
  }

  #put(index: number, value: T | undefined): void {
    const slot = index & (this.#values.length - 1);
    this.#indices[slot] = index;
    this.#values[slot] = value;
  }

  #grow(): void {
    const [values, indices] = [this.#values, this.#indices];
    this.#values = emptySlots<T>(values.length * 2);
    this.#indices = new Float64Array(values.length * 2).fill(-1);
    indices.forEach((index, slot) => {
      if (index !== -1) this.#put(index, values[slot]);
    });
  }
}

function emptySlots<T>(count: number): (T | undefined)[] {
  return Array.from({ length: count });
}
