import type { NameCounts } from '../../src/core/trace-inspection.ts';
import { DistinctNumbers } from './distinct.ts';
import { keyOfText } from './hashes.ts';

/** So many names are counted one by one: classes and models are few, and of many users the first thousand that come. */
const MOST_NAMES = 1000;
const SHOWN = 20;

/** Rows by a name that they have, such as their class. */
export class Names {
  readonly #counts = new Map<string, number>();
  readonly #distinct = new DistinctNumbers();
  #rows = 0;

  add(name: string | undefined): void {
    if (name === undefined) return;
    this.#rows++;
    const count = this.#counts.get(name);
    if (count !== undefined) this.#counts.set(name, count + 1);
    else {
      this.#distinct.add(keyOfText(name));
      if (this.#counts.size < MOST_NAMES) this.#counts.set(name, 1);
    }
  }

  /** Null where no row has a name. */
  counts(): NameCounts | null {
    if (this.#rows === 0) return null;
    const top = [...this.#counts].toSorted(([, a], [, b]) => b - a).slice(0, SHOWN);
    return { distinct: this.#distinct.count, top: top.map(([name, rows]) => ({ name, rows })), rows: this.#rows };
  }
}
