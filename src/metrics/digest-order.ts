import { ascendingOrder } from './ascending-order.ts';
import { release } from '../core/release.ts';
import { Samples } from './samples.ts';

/**
 * The order of `RecordsDigest`: by due time, and by id, in order of UTF-16 code units, where two are due at once. `add`
 * takes each record once.
 */
export class DigestOrder {
  readonly #dueUs = new Samples();
  /** Code units of all ids, one after another, and where each ends. */
  readonly #units = new Samples();
  readonly #ends = new Samples();

  add(dueUs: number, id: string): void {
    this.#dueUs.push(dueUs);
    for (let i = 0; i < id.length; i++) this.#units.push(id.charCodeAt(i));
    this.#ends.push(this.#units.length);
  }

  /** The place of each record, in order of `add`. To be asked once: the ids are gone afterwards. */
  ranks(): Uint32Array<ArrayBuffer> {
    const dueUs = this.#dueUs.take();
    const order = ascendingOrder(dueUs);
    for (let from = 0, to; from < order.length; from = to) {
      for (to = from + 1; to < order.length && dueUs[order[to] ?? 0] === dueUs[order[from] ?? 0]; to++);
      if (to > from + 1) order.subarray(from, to).sort((a, b) => this.#compareIds(a, b));
    }
    const ranks = new Uint32Array(order.length);
    for (let rank = 0; rank < order.length; rank++) ranks[order[rank] ?? 0] = rank;
    release(dueUs, order);
    this.#units.release();
    this.#ends.release();
    return ranks;
  }

  #compareIds(a: number, b: number): number {
    const [startA, endA] = this.#unitsOf(a);
    const [startB, endB] = this.#unitsOf(b);
    const shorter = Math.min(endA - startA, endB - startB);
    for (let i = 0; i < shorter; i++) {
      const apart = this.#units.at(startA + i) - this.#units.at(startB + i);
      if (apart !== 0) return apart;
    }
    return endA - startA - (endB - startB);
  }

  #unitsOf(record: number): readonly [start: number, end: number] {
    return [record === 0 ? 0 : this.#ends.at(record - 1), this.#ends.at(record)];
  }
}
