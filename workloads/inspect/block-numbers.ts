import { NumberTable } from './number-table.ts';

/** Distinct block ids, numbered from 0 as they come. */
export class BlockNumbers {
  readonly #table = new NumberTable();
  #row = new Int32Array(1024);
  #length = 0;

  get size(): number {
    return this.#table.size;
  }

  /** The numbers of a row's blocks, of the row that was added last; they are overwritten by the next. */
  get row(): Int32Array {
    return this.#row.subarray(0, this.#length);
  }

  /** How many of a row's leading blocks were there before it. */
  add(blocks: readonly number[]): number {
    const known = this.#table.size;
    this.#length = blocks.length;
    if (blocks.length > this.#row.length) this.#row = new Int32Array(2 * blocks.length);
    let leading = 0;
    for (let i = 0; i < blocks.length; i++) {
      const number = this.#table.add(blocks[i] ?? 0);
      this.#row[i] = number;
      if (number < known && leading === i) leading++;
    }
    return leading;
  }
}
