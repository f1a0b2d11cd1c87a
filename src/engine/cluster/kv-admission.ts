import type { KvCacheView } from '../kv/kv-cache.ts';

/** An instance that takes in KV memory, as an admission rule sees it. */
export interface ReceiverView {
  readonly memory: KvCacheView;
  /** Blocks of prompts that are on their way or have come, and that have not run yet. */
  waitingBlocks(): number;
  /** Whether the first in its queue has no memory there. */
  waitsForMemory(): boolean;
}

/** Whether the next request gets its `blocks` at the receiver now, whereupon its memory begins to move. */
export type KvAdmission = (receiver: ReceiverView, blocks: number) => boolean;

/**
 * DistServe's pull (distserve/decoding_stage_scheduler.py, `waiting_block_prop_threshold`): the next prompt is fetched
 * while those that were fetched and wait hold less than `share` of the pool.
 */
export function pullBelow(share: number): KvAdmission {
  return (receiver, blocks) => {
    const { capacityBlocks, freeBlocks } = receiver.memory;
    return receiver.waitingBlocks() < share * capacityBlocks && blocks <= freeBlocks;
  };
}

/**
 * vLLM's scheduler with a KV connector (vllm/v1/core/sched/scheduler.py, WAITING_FOR_REMOTE_KVS): as soon as there are
 * free blocks, but after those that were preempted there.
 */
export function whenFree(receiver: ReceiverView, blocks: number): boolean {
  return !receiver.waitsForMemory() && blocks <= receiver.memory.freeBlocks;
}
