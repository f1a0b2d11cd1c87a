import type { Decision } from '../instance/instance.ts';
import type { KvCacheView } from '../kv/kv-cache.ts';

/** An instance that takes in KV memory, as an admission rule sees it. */
export interface ReceiverView {
  readonly memory: KvCacheView;
  /** Blocks of prompts that are on their way or have come, and that have not run yet. */
  waitingBlocks(): number;
  /** Whether a request in its queue could run if it had memory there. */
  waitsForMemory(): boolean;
  /** Free blocks that prompts which run there in part have yet to take. */
  prefillBlocks(): number;
  /** The last one there. */
  decision(): Decision;
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
 * vLLM's scheduler with a KV connector (vllm/v1/core/sched/scheduler.py, `load_kv_async`): where a decision would admit
 * another request, after those that were preempted there; in blocks that no prompt that runs in part needs.
 */
export function withDecision(limits: { readonly tokenBudget: number; readonly maxSeqs: number }): KvAdmission {
  return (receiver, blocks) => {
    const { tokens, running, preempted } = receiver.decision();
    if (preempted > 0 || running >= limits.maxSeqs || tokens >= limits.tokenBudget) return false;
    return !receiver.waitsForMemory() && blocks <= receiver.memory.freeBlocks - receiver.prefillBlocks();
  };
}
