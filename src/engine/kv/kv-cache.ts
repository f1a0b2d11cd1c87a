import type { Prompt } from '../instance/prompt-content.ts';

/** The KV memory of an instance as policies and routers see it: read only. */
export interface KvCacheView {
  readonly capacityBlocks: number;
  /** Blocks that can be allocated now, those that only a prefix cache holds included. */
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
  /** Forgets all prefixes. False, and nothing changes, while a request holds any of them. */
  reset(): boolean;
}

/** What one request holds in one memory. */
export interface KvAllocation {
  /** Blocks that the request holds, shared ones included. */
  readonly blocks: number;
  /**
   * Leading tokens that are in memory already, from other requests or from before its preemption, and that the next
   * `allocate` would take over: less than all, for the last token must be computed for the next to come out. 0 while it
   * holds any.
   */
  cachedTokens(): number;
  /** Free blocks that `allocate(tokens)` would take, unused cached ones included. */
  blocksNeeded(tokens: number): number;
  /**
   * Holds blocks for `tokens` tokens in all, the cached ones first. False, and nothing changes, if too few are free.
   * The first `computing` of them (by default all) are computed by the iteration to come, or were before.
   */
  allocate(tokens: number, computing?: number): boolean;
  /** The first `tokens` tokens have been computed: from now on other requests may share them. */
  computed(tokens: number): void;
  /** The request has ended and holds nothing more; a cache may keep what was computed. */
  release(): void;
  /** The request is preempted: what it held is computed again or copied back later. */
  evict(): void;
}
