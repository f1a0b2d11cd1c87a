import type { Llm } from './llm.ts';

/** GPUs of one node; parallelism across nodes is not modelled. */
export const MAX_TENSOR_PARALLEL = 8;

/**
 * The shard of `llm` on one of `tp` GPUs, as a model of its own (Megatron-LM's split): heads, MLP and vocabulary are
 * divided, layers and hidden size are whole. Where there are fewer KV heads than GPUs, each GPU has a copy of one.
 */
export function shardOf(llm: Llm, tp: number): Llm {
  return {
    ...llm,
    queryHeads: llm.queryHeads / tp,
    kvHeads: Math.max(1, llm.kvHeads / tp),
    mlpSize: llm.mlpSize / tp,
    vocabularySize: Math.ceil(llm.vocabularySize / tp),
  };
}

/** Whether `tp` GPUs can share `llm` evenly: query heads and MLP divide, KV heads divide or are copied evenly. */
export function divides(llm: Llm, tp: number): boolean {
  return llm.queryHeads % tp === 0 && llm.mlpSize % tp === 0 && (llm.kvHeads % tp === 0 || tp % llm.kvHeads === 0);
}

/** All degrees that divide `llm`, smallest first. */
export function tensorParallelDegrees(llm: Llm): number[] {
  return Array.from({ length: MAX_TENSOR_PARALLEL }, (_, i) => i + 1).filter((tp) => divides(llm, tp));
}
