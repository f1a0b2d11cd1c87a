/**
 * Numbers for the block ids of files in which equal ids mean equal tokens only within a scope, such as a session: a
 * number stands for one id of one scope.
 */
export class BlockScopes {
  #next = 0;

  /** Names the ids of a scope, which is forgotten with the function. */
  scope(): (id: number) => number {
    const names = new Map<number, number>();
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
}
