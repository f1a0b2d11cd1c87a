import { hashOfNumber } from './hashes.ts';

/** Before the first is taken. */
const LEAST = 1024;
/** Numbers that follow one another in a line of memory: those of a row often do, and few lines are then read. */
const LINE = 8;
/** Of the places; more of them and probes grow long. */
const FULL = 0.6;

/**
 * Numbers from 0 to 2^53, each with its index, counted from 0 as they come: 12 bytes a place, a quarter of what a `Map`
 * takes, and no limit at 2^24.
 */
export class NumberTable {
  #keys = new Float64Array(LEAST).fill(-1);
  #indices = new Int32Array(LEAST);
  #size = 0;
  /** The place of the number that was added last. */
  #lastAt = 0;

  get size(): number {
    return this.#size;
  }

  /** -1 where it is not there. */
  indexOf(key: number): number {
    const at = this.#place(key);
    return this.#keys[at] === key ? (this.#indices[at] ?? -1) : -1;
  }

  /** Its index; a new one, the size before, where it was not there. */
  add(key: number): number {
    // Numbers that follow one another stand so.
    let at = this.#lastAt + 1;
    if (this.#keys[at] !== key) at = this.#place(key);
    this.#lastAt = at;
    if (this.#keys[at] === key) return this.#indices[at] ?? -1;
    if (this.#size >= this.#keys.length * FULL) {
      this.#grow();
      at = this.#place(key);
    }
    this.#keys[at] = key;
    this.#indices[at] = this.#size;
    return this.#size++;
  }

  /** The numbers by their index. */
  keys(): Float64Array {
    const all = new Float64Array(this.#size);
    for (let at = 0; at < this.#keys.length; at++) {
      const key = this.#keys[at] ?? -1;
      if (key !== -1) all[this.#indices[at] ?? 0] = key;
    }
    return all;
  }

  #place(key: number): number {
    const mask = this.#keys.length - 1;
    let at = ((hashOfNumber(Math.floor(key / LINE)) << 3) | (key % LINE)) & mask;
    for (;;) {
      const found = this.#keys[at];
      if (found === key || found === -1) return at;
      at = (at + 1) & mask;
    }
  }

  #grow(): void {
    const [keys, indices] = [this.#keys, this.#indices];
    this.#keys = new Float64Array(keys.length * 2).fill(-1);
    this.#indices = new Int32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? -1;
      if (key === -1) continue;
      const at = this.#place(key);
      this.#keys[at] = key;
      this.#indices[at] = indices[i] ?? -1;
    }
  }
}
