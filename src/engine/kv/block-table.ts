import type { Prompt } from '../instance/prompt-content.ts';
import { contentKeys } from './content-keys.ts';
import type { PrefixCachingBlockPool } from './prefix-caching-block-pool.ts';
import type { KvAccount } from './kv-cache.ts';

/** More blocks than any request has. */
const MAX_BLOCKS = 2 ** 22;

/** Blocks of one request in a `PrefixCachingBlockPool`, and its hits there. */
export class BlockTable implements KvAccount {
  blocks = 0;
  readonly #pool: PrefixCachingBlockPool;
  readonly #prompt: Prompt;
  /** Keys of the blocks that others may share; null until they are needed. */
  #keys: Float64Array | null = null;
  #held: number[] = [];
  /** Tokens that are computed, or will be by the next iteration; the request may hold blocks for more. */
  #tokens = 0;
  /** Leading held blocks that have a key, so that others can find them. */
  #named = 0;
  /** Number of computed tokens that fills the next shareable block. */
  #nextNamedAt = 0;
  /** The blocks that it held when it was last preempted. */
  #preemptedBlocks: readonly number[] = [];
  #serial = 0;
  /** The last result of `#find`, and the version of the pool at that time. */
  #found: number[] = [];
  #foundAt = -1;

  constructor(pool: PrefixCachingBlockPool, prompt: Prompt) {
    this.#pool = pool;
    this.#prompt = prompt;
  }

  cachedTokens(): number {
    return this.blocks > 0 ? 0 : this.#find().length * this.#pool.blockTokens;
  }

  blocksNeeded(tokens: number): number {
    const more = this.#pool.blocksFor(tokens) - this.blocks;
    if (more <= 0) return 0;
    const hits = this.#hits(more);
    return more - hits + this.#idle(hits);
  }

  allocate(tokens: number, computing: number = tokens): boolean {
    const pool = this.#pool;
    // Nearly every token fits into a block that is held already.
    if (tokens <= this.blocks * pool.blockTokens && computing < this.#nextNamedAt) {
      if (computing > this.#tokens) this.#tokens = computing;
      return true;
    }
    const more = pool.blocksFor(tokens) - this.blocks;
    const hits = this.#hits(more);
    if (more - hits + this.#idle(hits) > pool.freeBlocks) return false;
    // Cached blocks first: a block taken from the free queue might be one of them.
    for (let i = 0; i < hits; i++) {
      const block = this.#found[i] ?? 0;
      pool.share(block);
      this.#held.push(block);
    }
    for (let i = hits; i < more; i++) this.#held.push(pool.take());
    this.blocks = this.#held.length;
    this.#tokens = Math.max(this.#tokens, computing);
    this.#nameFull(hits);
    return true;
  }

  /** Most tokens were counted when their blocks were allocated; tokens that came over a link were not. */
  computed(tokens: number): void {
    if (tokens <= this.#tokens) return;
    this.#tokens = tokens;
    if (tokens >= this.#nextNamedAt) this.#nameFull(0);
  }

  release(): void {
    this.#giveBack();
    this.#held.length = 0;
  }

  evict(): void {
    if (this.blocks === 0) return;
    const whole = Math.floor(this.#tokens / this.#pool.blockTokens);
    if (this.#serial === 0) this.#serial = this.#pool.nextSerial();
    for (let i = this.#contentKeys().length; i < whole; i++) this.#pool.name(this.#held[i] ?? 0, this.#ownKey(i));
    this.#giveBack();
    this.#preemptedBlocks = this.#held;
    this.#held = [];
  }

  /** The end first, so that it is evicted first. */
  #giveBack(): void {
    for (let i = this.#held.length - 1; i >= 0; i--) this.#pool.giveBack(this.#held[i] ?? 0);
    this.blocks = this.#tokens = this.#named = this.#nextNamedAt = 0;
    this.#found.length = 0;
    this.#foundAt = -1;
  }

  /** Cached blocks that it would take over out of `more` that it needs. */
  #hits(more: number): number {
    return this.blocks > 0 ? 0 : Math.min(more, this.#find().length);
  }

  #idle(hits: number): number {
    let idle = 0;
    for (let i = 0; i < hits; i++) if (this.#pool.isIdle(this.#found[i] ?? 0)) idle++;
    return idle;
  }

  /**
   * The leading blocks of its tokens that are cached; never all tokens, because the last one has to be computed. A
   * request at the head of a full instance calls this in every iteration, so earlier hits are verified rather than
   * searched again.
   */
  #find(): readonly number[] {
    const pool = this.#pool;
    const found = this.#found;
    if (this.#foundAt === pool.version) return found;
    const before = this.#foundAt;
    this.#foundAt = pool.version;
    const keys = this.#contentKeys();
    const { promptTokens, generatedTokens } = this.#prompt;
    const most = Math.floor((promptTokens + generatedTokens - 1) / pool.blockTokens);
    let count = 0;
    // The first block with a key stays the first as long as it keeps the key.
    while (count < found.length && pool.holdsSince(before, found[count] ?? 0, keys[count] ?? this.#ownKey(count)))
      count++;
    found.length = count;
    for (; count < most; count++) {
      const isShared = count < keys.length;
      const block = isShared ? pool.find(keys[count] ?? 0) : (this.#preemptedBlocks[count] ?? -1);
      if (block === -1 || (!isShared && !pool.holds(block, this.#ownKey(count)))) break;
      found.push(block);
    }
    return found;
  }

  /** Gives keys to the blocks that are full, so that others find them; the first `hits` blocks have theirs. */
  #nameFull(hits: number): void {
    const { blockTokens } = this.#pool;
    const keys = this.#contentKeys();
    const whole = Math.min(keys.length, Math.floor(this.#tokens / blockTokens));
    this.#named = Math.max(this.#named, Math.min(hits, keys.length));
    for (; this.#named < whole; this.#named++) this.#pool.name(this.#held[this.#named] ?? 0, keys[this.#named] ?? 0);
    this.#nextNamedAt = this.#named < keys.length ? (this.#named + 1) * blockTokens : Number.POSITIVE_INFINITY;
  }

  #contentKeys(): Float64Array {
    return (this.#keys ??= contentKeys(this.#prompt, this.#pool.blockTokens));
  }

  #ownKey(index: number): number {
    return -(this.#serial * MAX_BLOCKS + index);
  }
}
