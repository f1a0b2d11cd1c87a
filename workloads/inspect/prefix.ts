import type { Request } from '../../src/core/request.ts';
import type { PrefixStatistics } from '../../src/core/trace-inspection.ts';
import { BlockNumbers } from './block-numbers.ts';

type ReuseRatios = Pick<PrefixStatistics, 'block_tokens' | 'max_hit_ratio' | 'max_hit_ratio_tokens'>;

/** Hits of a row: its leading block ids that earlier rows had, in the order of the file. */
export class PrefixReuse {
  readonly #blockTokens: number | null;
  readonly #seen = new BlockNumbers();
  #blocks = 0;
  #hits = 0;
  #tokens = 0;
  #hitTokens = 0;

  constructor(blockTokens: number | null) {
    this.#blockTokens = blockTokens;
  }

  /** The number of its hits. */
  add({ blocks = [], inputTokens }: Request): number {
    const leading = this.#seen.add(blocks);
    this.#blocks += blocks.length;
    this.#hits += leading;
    this.#tokens += inputTokens;
    this.#hitTokens += Math.min(leading * (this.#blockTokens ?? 0), inputTokens);
    return leading;
  }

  /** The numbers of the blocks of the row that was added last (`BlockNumbers`). */
  get row(): Int32Array {
    return this.#seen.row;
  }

  get distinctBlocks(): number {
    return this.#seen.size;
  }

  /** Its blocks are in the cache from now on, and it counts for nothing else. */
  know({ blocks = [] }: Request): void {
    this.#seen.add(blocks);
  }

  /** Null where no request has blocks. */
  statistics(): ReuseRatios | null {
    if (this.#blocks === 0) return null;
    return {
      block_tokens: this.#blockTokens,
      max_hit_ratio: this.#hits / this.#blocks,
      max_hit_ratio_tokens: this.#blockTokens === null ? null : this.#hitTokens / this.#tokens,
    };
  }
}
