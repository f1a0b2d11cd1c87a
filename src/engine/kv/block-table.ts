import type { Prompt } from '../instance/prompt-content.ts';
import { contentKeys } from './content-keys.ts';
import type { PrefixCachingBlockPool } from './prefix-caching-block-pool.ts';
import type { KvAllocation } from './kv-cache.ts';

/** More blocks than any request has. */
const MAX_BLOCKS = 2 ** 22;

/** What one request holds of `PrefixCachingBlockPool`, and what it would find there. */
export class BlockTable implements KvAllocation {
  blocks = 0;
  readonly #pool: PrefixCachingBlockPool;
  readonly #prompt: Prompt;
  /** Keys of the blocks that other requests may share; null until they are needed. */
  #keys: Float64Array | null = null;
  #held: number[] = [];
  /** Tokens that are computed, or will be by the iteration to come; it may hold blocks for more. */
  #tokens = 0;
  /** Held blocks that other requests find. */
  #named = 0;
  /** Computing as many tokens fills the next block that other requests may share. */
  #nameAt = 0;
  /** What it held when it was last preempted. */
  #left: readonly number[] = [];
  #serial = 0;
  /** What `#find` gave, at which version of the pool. */
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
    if (tokens <= this.blocks * pool.blockTokens && computing < this.#nameAt) {
      if (computing > this.#tokens) this.#tokens = computing;
      return true;
    }
    const more = pool.blocksFor(tokens) - this.blocks;
    const hits = this.#hits(more);
    if (more - hits + this.#idle(hits) > pool.freeBlocks) return false;
    // Before any other is taken, which might be one of them.
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

  /** Most were to be computed when they were held; what comes over a link was not. */
  computed(tokens: number): void {
    if (tokens <= this.#tokens) return;
    this.#tokens = tokens;
    if (tokens >= this.#nameAt) this.#nameFull(0);
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
    this.#left = this.#held;
    this.#held = [];
  }

  /** The end first, so that it is forgotten first. */
  #giveBack(): void {
    for (let i = this.#held.length - 1; i >= 0; i--) this.#pool.giveBack(this.#held[i] ?? 0);
    this.blocks = this.#tokens = this.#named = this.#nameAt = 0;
    this.#found.length = 0;
    this.#foundAt = -1;
  }

  /** Blocks that it would take over of `more` that it needs. */
  #hits(more: number): number {
    return this.blocks > 0 ? 0 : Math.min(more, this.#find().length);
  }

  #idle(hits: number): number {
    let idle = 0;
    for (let i = 0; i < hits; i++) if (this.#pool.isIdle(this.#found[i] ?? 0)) idle++;
    return idle;
  }

  /**
   * The leading blocks of its tokens that are in memory; never all tokens, for the last has to be computed. A request
   * at the head of a full instance asks again in every iteration: what it found before is looked over, not looked for.
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
    // The first of those that hold the same remains the first as long as it does.
    while (count < found.length && pool.holdsSince(before, found[count] ?? 0, keys[count] ?? this.#ownKey(count)))
      count++;
    found.length = count;
    for (; count < most; count++) {
      const isShared = count < keys.length;
      const block = isShared ? pool.find(keys[count] ?? 0) : (this.#left[count] ?? -1);
      if (block === -1 || (!isShared && !pool.holds(block, this.#ownKey(count)))) break;
      found.push(block);
    }
    return found;
  }

  /** Lets other requests find the blocks that it fills; the first `hits` blocks were found already. */
  #nameFull(hits: number): void {
    const { blockTokens } = this.#pool;
    const keys = this.#contentKeys();
    const whole = Math.min(keys.length, Math.floor(this.#tokens / blockTokens));
    this.#named = Math.max(this.#named, Math.min(hits, keys.length));
    for (; this.#named < whole; this.#named++) this.#pool.name(this.#held[this.#named] ?? 0, keys[this.#named] ?? 0);
    this.#nameAt = this.#named < keys.length ? (this.#named + 1) * blockTokens : Number.POSITIVE_INFINITY;
  }

  #contentKeys(): Float64Array {
    return (this.#keys ??= contentKeys(this.#prompt, this.#pool.blockTokens));
  }

  #ownKey(index: number): number {
    return -(this.#serial * MAX_BLOCKS + index);
  }
}
