import { LargeMap } from '../large-map.ts';

/**
 * Numbers for the block ids of files in which equal ids mean equal tokens only within a scope, such as a session: a
 * number stands for one id of one scope.
 */
export class BlockScopes {
  #next: number;

  /** `first`: the least number; others may be taken. */
  constructor(first = 0) {
    this.#next = first;
  }

  /** Names the ids of a scope, which is forgotten with the function. */
  scope(): (id: number) => number {
    const names = new LargeMap<number, number>();
    return (id) => {
      const known = names.get(id);
      if (known !== undefined) return known;
      names.set(id, this.#next);
      return this.#next++;
    };
  }

  /** Ids that no other block has. */
  fresh(count: number): number[] {
    const first = this.#next;
    this.#next += count;
    return Array.from({ length: count }, (_, i) => first + i);
  }

  /** The first ids of a prompt, as far as the next one repeats it, and fresh ones behind them: `count` in all. */
  grown(ids: readonly number[], kept: number, count: number): number[] {
    const repeated = ids.slice(0, Math.min(kept, count));
    return [...repeated, ...this.fresh(count - repeated.length)];
  }
}
