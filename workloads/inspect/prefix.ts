import type { Request } from '../../src/core/request.ts';
import { LargeSet } from '../large-set.ts';

/** Share of the prompts that an unlimited prefix cache would have held. */
export interface PrefixStatistics {
  /** Tokens per block; null where the file does not give it. */
  readonly block_tokens: number | null;
  readonly max_hit_ratio: number;
  readonly max_hit_ratio_tokens: number | null;
}

/** Hits of a row: its leading block ids that earlier rows had, in the order of the file. */
export class PrefixReuse {
  readonly #blockTokens: number | null;
  readonly #seen = new LargeSet<number>();
  #blocks = 0;
  #hits = 0;
  #tokens = 0;
  #hitTokens = 0;

  constructor(blockTokens: number | null) {
    this.#blockTokens = blockTokens;
  }

  add({ blocks = [], inputTokens }: Request): void {
    const fresh = blocks.findIndex((id) => !this.#seen.has(id));
    const leading = fresh === -1 ? blocks.length : fresh;
    for (const id of blocks) this.#seen.add(id);
    this.#blocks += blocks.length;
    this.#hits += leading;
    this.#tokens += inputTokens;
    this.#hitTokens += Math.min(leading * (this.#blockTokens ?? 0), inputTokens);
  }

  /** Its blocks are in the cache from now on, and it counts for nothing else. */
  know({ blocks = [] }: Request): void {
    for (const id of blocks) this.#seen.add(id);
  }

  /** Null where no request has blocks. */
  statistics(): PrefixStatistics | null {
    if (this.#blocks === 0) return null;
    return {
      block_tokens: this.#blockTokens,
      max_hit_ratio: this.#hits / this.#blocks,
      max_hit_ratio_tokens: this.#blockTokens === null ? null : this.#hitTokens / this.#tokens,
    };
  }
}
