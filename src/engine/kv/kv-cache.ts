import type { Prompt } from '../instance/prompt-content.ts';

/** The KV memory of an instance as policies see it: read only. */
export interface KvCacheView {
  readonly capacityBlocks: number;
  /** Blocks that can be allocated now, cached ones that no request uses included. */
  readonly freeBlocks: number;
  readonly blockTokens: number;
  /** Blocks that `tokens` tokens of one request need. */
  blocksFor(tokens: number): number;
}

/** The KV memory of an instance. Invariant: free blocks and those in use, each counted once, add up to the capacity. */
export interface KvCache extends KvCacheView {
  /** An account for one request; it holds no blocks yet. */
  open(prompt: Prompt): KvAllocation;
  /** Leading tokens of a request that are cached here, as `KvAllocation.cachedTokens`. Has no side effect. */
  cachedTokens(prompt: Prompt): number;
  /** Drops all cached blocks. Returns false, and changes nothing, while a request holds any block. */
  reset(): boolean;
}

/** The blocks of one request in one memory. */
export interface KvAllocation {
  /** Blocks that the request holds, shared ones included. */
  readonly blocks: number;
  /**
   * Leading tokens that are cached, from other requests or from this one before a preemption, and that the next
   * `allocate` would take over: fewer than all, because the last token must be computed for the next to come out. 0
   * while it holds blocks.
   */
  cachedTokens(): number;
  /** Free blocks that `allocate(tokens)` would take, cached ones that no request uses included. */
  blocksNeeded(tokens: number): number;
  /**
   * Allocates blocks for `tokens` tokens in all, cached ones first. Returns false, and changes nothing, if too few are
   * free. The first `computing` of the tokens (by default all) are computed by the next iteration, or were before.
   */
  allocate(tokens: number, computing?: number): boolean;
  /** Reports that its first `tokens` tokens have been computed: from now on others may share them. */
  computed(tokens: number): void;
  /**
   * Frees all its blocks at the end of the request; a cache may keep those of its first `tokens` tokens (by default of
   * all that are computed).
   */
  release(tokens?: number): void;
  /** Frees all its blocks at a preemption, as `release`; they are computed again or copied back. */
  evict(tokens?: number): void;
}
