import type { Request } from '../../src/core/request.ts';
import type { PrefixStatistics } from '../../src/core/trace-inspection.ts';
import { DistinctNumbers } from './distinct.ts';
import { PrefixReuse } from './prefix.ts';
import { StackDistances } from './stack-distances.ts';

/** Sizes of a cache in blocks: so many, and tenfold. */
const STEPS = [1, 1.5, 2, 3, 5, 7] as const;
/** So many blocks, the first, are looked at for whether each stands behind one other alone. */
const MOST_CHAINED = 2 ** 18;

/** What a prefix cache of any size would hold of a trace, in the order of its rows. */
export class PrefixDetails {
  readonly #reuse: PrefixReuse;
  readonly #distances = new StackDistances();
  readonly #roots = new DistinctNumbers();
  readonly #chain = new Chain();
  #blocks = 0;
  #rowsWithHit = 0;
  #rowsFullyHit = 0;

  constructor(blockTokens: number | null) {
    this.#reuse = new PrefixReuse(blockTokens);
  }

  add(request: Request): void {
    const { blocks = [] } = request;
    const hits = this.#reuse.add(request);
    const [root] = blocks;
    if (root === undefined) return;
    this.#blocks += blocks.length;
    if (hits > 0) this.#rowsWithHit++;
    if (hits === blocks.length) this.#rowsFullyHit++;
    this.#roots.add(root);
    this.#chain.add(this.#reuse.row);
    this.#distances.add(blocks, this.#reuse.row);
  }

  /** Null where no request has blocks. */
  statistics(): PrefixStatistics | null {
    const reuse = this.#reuse.statistics();
    if (reuse === null) return null;
    return {
      ...reuse,
      blocks: this.#blocks,
      distinct_blocks: this.#reuse.distinctBlocks,
      rows_with_hit: this.#rowsWithHit,
      rows_fully_hit: this.#rowsFullyHit,
      roots: this.#roots.count,
      is_chained: this.#chain.holds,
      uses: this.#distances.uses(),
      lru: this.#distances.curve(cacheSizes(this.#distances.enough)),
      sampled: this.#distances.sampled,
    };
  }
}

/** 10, 15, 20, 30 ... up to the first that is no smaller than `enough`. */
function cacheSizes(enough: number): number[] {
  const sizes: number[] = [];
  for (let power = 10; ; power *= 10)
    for (const step of STEPS) {
      sizes.push(step * power);
      if (step * power >= enough) return sizes;
    }
}

/** Whether each block stands behind one other alone, and the first of a row behind none; by their numbers. */
class Chain {
  /** The number of the block before each, and 1; that of no block is 0, and -1 is not known. */
  readonly #before = new Int32Array(MOST_CHAINED).fill(-1);
  holds = true;

  add(numbers: Int32Array): void {
    if (!this.holds) return;
    let before = 0;
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] ?? 0;
      if (number < MOST_CHAINED) {
        const known = this.#before[number] ?? 0;
        if (known === -1) this.#before[number] = before;
        else if (known !== before) this.holds = false;
      }
      before = number + 1;
    }
  }
}
