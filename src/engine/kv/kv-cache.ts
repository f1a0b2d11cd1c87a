import type { Prompt } from '../instance/prompt-content.ts';

/** The KV memory of an instance as policies see it: enough to decide, nothing to change. */
export interface KvCacheView {
  readonly capacityBlocks: number;
  /** Blocks that can be had now, those that only a cache holds included. */
  readonly freeBlocks: number;
  readonly blockTokens: number;
  /** Blocks that `tokens` tokens of one request take. */
  blocksFor(tokens: number): number;
}

/** The KV memory of an instance. Invariant: free blocks and those in use, each counted once, add up to the capacity. */
export interface KvCache extends KvCacheView {
  /** An allocation for one request; it holds nothing yet. */
  open(prompt: Prompt): KvAllocation;
  /** Leading tokens that a request would find here, as `KvAllocation.cachedTokens`. To ask changes nothing. */
  cachedTokens(prompt: Prompt): number;
  /** Forgets what only a cache keeps. False, and nothing changes, while a request holds any of it. */
  reset(): boolean;
}

/** What one request holds in one memory. */
export interface KvAllocation {
  /** Blocks that it holds, those that it shares with others included. */
  readonly blocks: number;
  /**
   * Leading tokens that are in memory already, from others or from an earlier stay of its own, and that the next `allocate`
   * would take over: less than all, for the last token must be computed for the next to come out. 0 while it holds any.
   */
  cachedTokens(): number;
  /** Free blocks that `allocate(tokens)` would take, cached ones that no one uses included. */
  blocksNeeded(tokens: number): number;
  /**
   * Holds blocks for `tokens` tokens in all, the cached ones first. False, and nothing changes, if too few are free. The
   * first `computing` of them (by default all) are computed by the iteration to come, or were before.
   */
  allocate(tokens: number, computing?: number): boolean;
  /** Its first `tokens` tokens have been computed: from now on others may share them. */
  computed(tokens: number): void;
  /** Ended: holds nothing more; a cache may keep what was computed. */
  release(): void;
  /** Thrown out of memory, to be computed again or copied back. */
  evict(): void;
}
