import type { Prompt } from '../instance/prompt-content.ts';
import { FreeQueue } from './free-queue.ts';
import { BlockTable } from './block-table.ts';
import { KeyIndex } from './key-index.ts';
import type { KvAllocation, KvCache } from './kv-cache.ts';

/**
 * The block pool of vLLM v1 with prefix caching (vllm/v1/core/block_pool.py). A full block is found by the content of
 * the whole prefix that ends with it, as soon as an iteration is scheduled to compute it: the next request of that
 * iteration already shares it. Blocks that no request uses wait in one queue, least recently freed first and the end of
 * a prompt before its beginning, and keep their content until they are taken from its head.
 *
 * Tokens without known content, generated ones among them, are found by their own request alone, when it is scheduled
 * again after a preemption.
 */
export class PrefixCachingBlockPool implements KvCache {
  readonly capacityBlocks: number;
  readonly blockTokens: number;
  freeBlocks: number;
  readonly #freesToHead: boolean;
  /** Grows with every change of a key. */
  version = 0;
  readonly #freeQueue: FreeQueue;
  /** Number of requests that hold each block. */
  readonly #refCounts: Int32Array;
  /** Keys above 0 are of content; keys below 0 identify the blocks of one preempted request. */
  readonly #index: KeyIndex;
  /** The version at which each block got its key. */
  readonly #keyedAt: Float64Array;
  #serial = 0;

  /** `freesToHead`: whether a block whose content cannot be found again is the next to be taken. */
  constructor(capacityBlocks: number, blockTokens: number, freesToHead = false) {
    this.capacityBlocks = capacityBlocks;
    this.blockTokens = blockTokens;
    this.#freesToHead = freesToHead;
    this.freeBlocks = capacityBlocks;
    this.#freeQueue = new FreeQueue(capacityBlocks);
    this.#refCounts = new Int32Array(capacityBlocks);
    this.#index = new KeyIndex(capacityBlocks);
    this.#keyedAt = new Float64Array(capacityBlocks);
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
    for (let block = 0; block < this.capacityBlocks; block++) this.#index.dropKey(block);
    this.version++;
    return true;
  }

  /** A number that no other request has. */
  nextSerial(): number {
    return ++this.#serial;
  }

  /** The first block with `key`; -1 if there is none. */
  find(key: number): number {
    return this.#index.find(key);
  }

  /** Whether a block has had `key` ever since `version`. */
  hasKeySince(version: number, block: number, key: number): boolean {
    return this.#index.keyOf(block) === key && (this.#keyedAt[block] ?? 0) <= version;
  }

  hasKey(block: number, key: number): boolean {
    return this.#index.keyOf(block) === key;
  }

  isUnused(block: number): boolean {
    return this.#refCounts[block] === 0;
  }

  /** Counts one more request on a cached block. */
  share(block: number): void {
    if (this.isUnused(block)) {
      this.#freeQueue.remove(block);
      this.freeBlocks--;
    }
    this.#refCounts[block] = (this.#refCounts[block] ?? 0) + 1;
  }

  /** Takes the free block that was freed longest ago, and drops its key; there must be one. */
  allocate(): number {
    const block = this.#freeQueue.shift();
    if (this.#index.keyOf(block) !== 0) {
      this.#index.dropKey(block);
      this.version++;
    }
    this.#refCounts[block] = 1;
    this.freeBlocks--;
    return block;
  }

  /** `isWhole`: it is full of tokens that are known, as a block must be to be found again. */
  free(block: number, isWhole: boolean): void {
    const refs = (this.#refCounts[block] ?? 0) - 1;
    this.#refCounts[block] = refs;
    if (refs > 0) return;
    if (this.#freesToHead && !isWhole) this.#freeQueue.unshift(block);
    else this.#freeQueue.push(block);
    this.freeBlocks++;
  }

  /** From now on the block is found by `key`. */
  setKey(block: number, key: number): void {
    this.#index.setKey(block, key);
    this.#keyedAt[block] = ++this.version;
  }
}
