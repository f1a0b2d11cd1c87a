import type { KvAllocation, KvCache } from './kv-cache.ts';

/** KV memory as a count of equal blocks (PagedAttention, SOSP '23): no block is shared or cached. */
export class CountingBlockPool implements KvCache {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  freeBlocks: number;

  constructor(capacityBlocks: number, blockTokens: number) {
    this.capacityBlocks = capacityBlocks;
    this.blockTokens = blockTokens;
    this.freeBlocks = capacityBlocks;
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockTokens);
  }

  open(): KvAllocation {
    return new CountedBlocks(this);
  }

  cachedTokens(): number {
    return 0;
  }

  makeRoom(): void {}

  reset(): boolean {
    return this.freeBlocks === this.capacityBlocks;
  }
}

class CountedBlocks implements KvAllocation {
  blocks = 0;
  readonly #pool: CountingBlockPool;

  constructor(pool: CountingBlockPool) {
    this.#pool = pool;
  }

  cachedTokens(): number {
    return 0;
  }

  lookUp(): number {
    return 0;
  }

  blocksNeeded(tokens: number): number {
    return Math.max(0, this.#pool.blocksFor(tokens) - this.blocks);
  }

  allocate(tokens: number): boolean {
    const pool = this.#pool;
    // Nearly every token fits into a block that is held already.
    if (tokens <= this.blocks * pool.blockTokens) return true;
    const more = pool.blocksFor(tokens) - this.blocks;
    if (more > pool.freeBlocks) return false;
    pool.freeBlocks -= more;
    this.blocks += more;
    return true;
  }

  computed(): void {}

  release(): void {
    this.#pool.freeBlocks += this.blocks;
    this.blocks = 0;
  }

  freeRest(): void {}

  evict(): void {
    this.release();
  }
}
