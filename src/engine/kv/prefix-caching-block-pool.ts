import type { Prompt } from '../instance/prompt-content.ts';
import { FreeQueue } from './free-queue.ts';
import { BlockTable } from './block-table.ts';
import { KeyIndex } from './key-index.ts';
import type { KvAllocation, KvCache } from './kv-cache.ts';

/**
 * The block pool of vLLM v1 with prefix caching (vllm/v1/core/block_pool.py). Full blocks are found by the content of
 * the whole prefix that they end, as soon as an iteration is to compute them: the next request of that iteration
 * already shares them. Blocks that no request uses wait in one queue, least recently freed first and the end of a
 * prompt before its beginning, and keep their content until they are taken from its head.
 *
 * Tokens of which nothing is known, generated ones among them, can be found by their own request alone, when it comes
 * back after a preemption.
 */
export class PrefixCachingBlockPool implements KvCache {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  freeBlocks: number;
  /** Grows with every change of what can be found. */
  version = 0;
  readonly #free: FreeQueue;
  /** Requests that hold a block. */
  readonly #users: Int32Array;
  /** Content keys above 0; below, keys that a request knows its own blocks by. */
  readonly #index: KeyIndex;
  /** The version at which a block got its key. */
  readonly #namedAt: Float64Array;
  #serial = 0;

  constructor(capacityBlocks: number, blockTokens: number) {
    this.capacityBlocks = capacityBlocks;
    this.blockTokens = blockTokens;
    this.freeBlocks = capacityBlocks;
    this.#free = new FreeQueue(capacityBlocks);
    this.#users = new Int32Array(capacityBlocks);
    this.#index = new KeyIndex(capacityBlocks);
    this.#namedAt = new Float64Array(capacityBlocks);
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockTokens);
  }

  open(prompt: Prompt): KvAllocation {
    return new BlockTable(this, prompt);
  }

  cachedTokens(prompt: Prompt): number {
    return new BlockTable(this, prompt).cachedTokens();
  }

  reset(): boolean {
    if (this.freeBlocks < this.capacityBlocks) return false;
    for (let block = 0; block < this.capacityBlocks; block++) this.#index.forget(block);
    this.version++;
    return true;
  }

  /** A number that no other request has. */
  nextSerial(): number {
    return ++this.#serial;
  }

  /** -1 if there is none. */
  find(key: number): number {
    return this.#index.find(key);
  }

  /** Whether a block has held `key` ever since `version`. */
  holdsSince(version: number, block: number, key: number): boolean {
    return this.#index.keyOf(block) === key && (this.#namedAt[block] ?? 0) <= version;
  }

  holds(block: number, key: number): boolean {
    return this.#index.keyOf(block) === key;
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
    if (this.#index.keyOf(block) !== 0) {
      this.#index.forget(block);
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
    this.#index.name(block, key);
    this.#namedAt[block] = ++this.version;
  }
}
