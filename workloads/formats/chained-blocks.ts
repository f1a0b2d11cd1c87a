import { LargeMap } from '../large-map.ts';

/** Numbers for ids that the file has with another block before them. */
const FIRST_MADE_ID = 2 ** 51;

/**
 * Makes ids of blocks that were hashed one by one say what is before them: an id keeps its number behind the block with
 * which it came first, and has another one behind any other. Equal numbers then mean equal prefixes, which is all that a
 * prefix cache can share.
 */
export class ChainedBlocks {
  /** The number before an id where it came first. */
  readonly #before = new LargeMap<number, number>();
  readonly #others = new LargeMap<string, number>();
  #next = FIRST_MADE_ID;

  chain(ids: readonly number[]): number[] {
    let before = -1;
    return ids.map((id) => {
      before = this.#number(id, before);
      return before;
    });
  }

  #number(id: number, before: number): number {
    const first = this.#before.get(id);
    if (first === undefined) this.#before.set(id, before);
    if (first === undefined || first === before) return id;
    const key = `${before} ${id}`;
    const known = this.#others.get(key);
    if (known !== undefined) return known;
    this.#others.set(key, this.#next);
    return this.#next++;
  }
}
