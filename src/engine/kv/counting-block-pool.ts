import type { KvAccount, KvMemory } from './kv-cache.ts';

/** KV memory as a mere count of equal blocks (PagedAttention, SOSP '23): nothing is shared, nothing is kept. */
export class BlockPool implements KvMemory {
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

  open(): KvAccount {
    return new CountedBlocks(this);
  }

  forget(): boolean {
    return this.freeBlocks === this.capacityBlocks;
  }
}

class CountedBlocks implements KvAccount {
  blocks = 0;
  readonly #pool: BlockPool;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  cachedTokens(): number {
    return 0;
  }

  needs(tokens: number): number {
    return Math.max(0, this.#pool.blocksFor(tokens) - this.blocks);
  }

  grow(tokens: number): boolean {
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

  retract(): void {
    this.release();
  }
}
