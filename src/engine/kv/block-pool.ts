/** Whatever holds blocks; only the pool changes how many. */
export interface BlockHolder {
  heldBlocks: number;
}

/** The pool as policies see it: enough to decide, nothing to change. */
export interface PoolView {
  readonly freeBlocks: number;
  /** Blocks that `tokens` tokens of one request take. */
  blocksFor(tokens: number): number;
}

/**
 * The KV memory of an instance, as a count of equal blocks (PagedAttention, SOSP '23). Invariant: the free blocks and
 * those of all holders add up to the capacity.
 */
export class BlockPool implements PoolView {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  #free: number;

  constructor(capacityBlocks: number, blockTokens: number) {
    this.capacityBlocks = capacityBlocks;
    this.blockTokens = blockTokens;
    this.#free = capacityBlocks;
  }

  get freeBlocks(): number {
    return this.#free;
  }

  get usedBlocks(): number {
    return this.capacityBlocks - this.#free;
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockTokens);
  }

  /** Makes `holder` hold blocks for `tokens` tokens in all. Throws, and changes nothing, when too few are free. */
  grow(holder: BlockHolder, tokens: number): void {
    const more = this.blocksFor(tokens) - holder.heldBlocks;
    if (more <= 0) return;
    if (more > this.#free) throw new RangeError(`${more} KV blocks asked for, ${this.#free} free`);
    this.#free -= more;
    holder.heldBlocks += more;
  }

  /** Takes back all that `holder` holds. */
  release(holder: BlockHolder): void {
    this.#free += holder.heldBlocks;
    holder.heldBlocks = 0;
  }
}
