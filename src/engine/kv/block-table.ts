import type { Prompt } from '../instance/prompt-content.ts';
import { contentKeys } from './content-keys.ts';
import type { PrefixCachingBlockPool } from './prefix-caching-block-pool.ts';
import type { KvAllocation } from './kv-cache.ts';

/** More blocks than any request has. */
const MAX_BLOCKS = 2 ** 22;

/** Blocks of one request in a `PrefixCachingBlockPool`, and its hits there. */
export class BlockTable implements KvAllocation {
  blocks = 0;
  readonly #pool: PrefixCachingBlockPool;
  readonly #prompt: Prompt;
  /** Keys of the blocks that others may share; null until they are needed. */
  #keys: Float64Array | null = null;
  #held: number[] = [];
  /** Tokens that are computed, or will be by the next iteration; the request may hold blocks for more. */
  #tokens = 0;
  /** Number of leading held blocks that have a key, so that others can find them. */
  #keyed = 0;
  /** Number of computed tokens that fills the next shareable block. */
  #nextKeyAt = 0;
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
    return more - hits + this.#unused(hits);
  }

  allocate(tokens: number, computing: number = tokens): boolean {
    const pool = this.#pool;
    // Nearly every token fits into a block that is held already.
    if (tokens <= this.blocks * pool.blockTokens && computing < this.#nextKeyAt) {
      if (computing > this.#tokens) this.#tokens = computing;
      return true;
    }
    const more = pool.blocksFor(tokens) - this.blocks;
    const hits = this.#hits(more);
    if (more - hits + this.#unused(hits) > pool.freeBlocks) return false;
    // Cached blocks first: a block taken from the free queue might be one of them.
    for (let i = 0; i < hits; i++) {
      const block = this.#found[i] ?? 0;
      pool.share(block);
      this.#held.push(block);
    }
    for (let i = hits; i < more; i++) this.#held.push(pool.allocate());
    this.blocks = this.#held.length;
    this.#tokens = Math.max(this.#tokens, computing);
    this.#keyFullBlocks(hits);
    return true;
  }

  /** Most tokens were counted when their blocks were allocated; tokens that came over a link were not. */
  computed(tokens: number): void {
    if (tokens <= this.#tokens) return;
    this.#tokens = tokens;
    if (tokens >= this.#nextKeyAt) this.#keyFullBlocks(0);
  }

  release(tokens = this.#tokens): void {
    this.#freeAll(Math.floor(tokens / this.#pool.blockTokens));
    this.#held.length = 0;
  }

  evict(tokens = this.#tokens): void {
    if (this.blocks === 0) return;
    const whole = Math.floor(tokens / this.#pool.blockTokens);
    if (this.#serial === 0) this.#serial = this.#pool.nextSerial();
    for (let i = this.#contentKeys().length; i < whole; i++) this.#pool.setKey(this.#held[i] ?? 0, this.#ownKey(i));
    this.#freeAll(whole);
    this.#preemptedBlocks = this.#held;
    this.#held = [];
  }

  /** The end first, so that it is evicted first; the first `whole` blocks are full. */
  #freeAll(whole: number): void {
    for (let i = this.#held.length - 1; i >= 0; i--) this.#pool.free(this.#held[i] ?? 0, i < whole);
    this.blocks = this.#tokens = this.#keyed = this.#nextKeyAt = 0;
    this.#found.length = 0;
    this.#foundAt = -1;
  }

  /** Cached blocks that it would take over out of `more` that it needs. */
  #hits(more: number): number {
    return this.blocks > 0 ? 0 : Math.min(more, this.#find().length);
  }

  #unused(hits: number): number {
    let unused = 0;
    for (let i = 0; i < hits; i++) if (this.#pool.isUnused(this.#found[i] ?? 0)) unused++;
    return unused;
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
    while (count < found.length && pool.hasKeySince(before, found[count] ?? 0, keys[count] ?? this.#ownKey(count)))
      count++;
    found.length = count;
    for (; count < most; count++) {
      const isShared = count < keys.length;
      const block = isShared ? pool.find(keys[count] ?? 0) : (this.#preemptedBlocks[count] ?? -1);
      if (block === -1 || (!isShared && !pool.hasKey(block, this.#ownKey(count)))) break;
      found.push(block);
    }
    return found;
  }

  /** Gives keys to the blocks that are full, so that others find them; the first `hits` blocks have theirs. */
  #keyFullBlocks(hits: number): void {
    const { blockTokens } = this.#pool;
    const keys = this.#contentKeys();
    const whole = Math.min(keys.length, Math.floor(this.#tokens / blockTokens));
    this.#keyed = Math.max(this.#keyed, Math.min(hits, keys.length));
    for (; this.#keyed < whole; this.#keyed++) this.#pool.setKey(this.#held[this.#keyed] ?? 0, keys[this.#keyed] ?? 0);
    this.#nextKeyAt = this.#keyed < keys.length ? (this.#keyed + 1) * blockTokens : Number.POSITIVE_INFINITY;
  }

  #contentKeys(): Float64Array {
    return (this.#keys ??= contentKeys(this.#prompt, this.#pool.blockTokens));
  }

  #ownKey(index: number): number {
    return -(this.#serial * MAX_BLOCKS + index);
  }
}
