import type { Prompt } from '../prompt-content.ts';
import { contentKeys } from './content-keys.ts';
import { FreeQueue } from './free-queue.ts';
import { KeyIndex } from './key-index.ts';
import type { KvAccount, KvMemory } from './memory.ts';

/**
 * The block pool of vLLM v1 with prefix caching (vllm/v1/core/block_pool.py). Full blocks are found by the content of
 * the whole prefix that they end, as soon as they are held: what an iteration will compute, the next request of that
 * iteration already shares. Blocks that nobody uses wait in one queue, least recently freed first and the end of a
 * prompt before its beginning, and keep their content until they are taken from its head.
 *
 * Tokens of which nothing is known, generated ones among them, can be found by their own request alone, when it comes
 * back after a preemption.
 */
export class HashBlocks implements KvMemory {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  freeBlocks: number;
  /** Grows with every change of what can be found. */
  version = 0;
  readonly #free: FreeQueue;
  /** Requests that hold a block. */
  readonly #users: Int32Array;
  /** What a block holds: above 0 a content key, below 0 the key of its own request, 0: nothing to be found. */
  readonly #keys: Float64Array;
  readonly #index: KeyIndex;
  #serial = 0;

  constructor(capacityBlocks: number, blockTokens: number) {
    this.capacityBlocks = capacityBlocks;
    this.blockTokens = blockTokens;
    this.freeBlocks = capacityBlocks;
    this.#free = new FreeQueue(capacityBlocks);
    this.#users = new Int32Array(capacityBlocks);
    this.#keys = new Float64Array(capacityBlocks);
    this.#index = new KeyIndex(capacityBlocks);
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockTokens);
  }

  open(prompt: Prompt): KvAccount {
    return new HashedBlocks(this, prompt);
  }

  /** A number that no other request has. */
  nextSerial(): number {
    return ++this.#serial;
  }

  find(key: number): number | undefined {
    return this.#index.find(key);
  }

  holds(block: number, key: number): boolean {
    return this.#keys[block] === key;
  }

  isIdle(block: number): boolean {
    return this.#users[block] === 0;
  }

  /** One more request uses a block that was found. */
  share(block: number): void {
    if (this.isIdle(block)) {
      this.#free.remove(block);
      this.freeBlocks--;
    }
    this.#users[block] = (this.#users[block] ?? 0) + 1;
  }

  /** The free block that was used longest ago, what it held forgotten; there must be one. */
  take(): number {
    const block = this.#free.shift();
    const key = this.#keys[block] ?? 0;
    if (key !== 0) {
      if (key > 0) this.#index.remove(key, block);
      this.#keys[block] = 0;
      this.version++;
    }
    this.#users[block] = 1;
    this.freeBlocks--;
    return block;
  }

  giveBack(block: number): void {
    const users = (this.#users[block] ?? 0) - 1;
    this.#users[block] = users;
    if (users > 0) return;
    this.#free.push(block);
    this.freeBlocks++;
  }

  /** From now on the block is found by `key`. */
  name(block: number, key: number): void {
    this.#keys[block] = key;
    if (key > 0) this.#index.add(key, block);
    this.version++;
  }
}

/** More blocks than any request has. */
const MAX_BLOCKS = 2 ** 22;

class HashedBlocks implements KvAccount {
  blocks = 0;
  readonly #pool: HashBlocks;
  readonly #prompt: Prompt;
  /** Of the blocks that others may share; null until it is needed. */
  #keys: Float64Array | null = null;
  #held: number[] = [];
  /** Tokens that it holds blocks for. */
  #tokens = 0;
  /** Held blocks that others find. */
  #named = 0;
  /** Holding as many tokens fills the next block that others may share. */
  #nameAt = 0;
  /** What it held when it was last preempted. */
  #left: readonly number[] = [];
  #serial = 0;
  /** What `#find` gave, at which version of the pool. */
  #found: number[] = [];
  #foundAt = -1;

  constructor(pool: HashBlocks, prompt: Prompt) {
    this.#pool = pool;
    this.#prompt = prompt;
  }

  cachedTokens(): number {
    return this.blocks > 0 ? 0 : this.#find().length * this.#pool.blockTokens;
  }

  needs(tokens: number): number {
    const more = this.#pool.blocksFor(tokens) - this.blocks;
    if (more <= 0) return 0;
    const hits = this.#hits(more);
    return more - hits + this.#idle(hits);
  }

  grow(tokens: number): boolean {
    const pool = this.#pool;
    // Nearly every token fits into a block that is held already.
    if (tokens <= this.blocks * pool.blockTokens && tokens < this.#nameAt) {
      if (tokens > this.#tokens) this.#tokens = tokens;
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
    this.#tokens = Math.max(this.#tokens, tokens);
    this.#nameFull(hits);
    return true;
  }

  computed(): void {}

  release(): void {
    this.#giveBack();
    this.#held.length = 0;
  }

  retract(): void {
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

  /** The leading blocks of its tokens that are in memory; never all tokens, for the last has to be computed. */
  #find(): readonly number[] {
    const pool = this.#pool;
    const found = this.#found;
    if (this.#foundAt === pool.version) return found;
    this.#foundAt = pool.version;
    found.length = 0;
    const keys = this.#contentKeys();
    const { promptTokens, generatedTokens } = this.#prompt;
    const most = Math.floor((promptTokens + generatedTokens - 1) / pool.blockTokens);
    for (let i = 0; i < most; i++) {
      const block = i < keys.length ? pool.find(keys[i] ?? 0) : this.#left[i];
      if (block === undefined || (i >= keys.length && !pool.holds(block, this.#ownKey(i)))) break;
      found.push(block);
    }
    return found;
  }

  /** Lets others find what it fills; `hits` of its first blocks they found already. */
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
