import type { Gpu } from '../hardware/gpus.ts';
import {
  attentionFlopsPerPair,
  BYTES_PER_VALUE,
  headParameters,
  kvBytesPerToken,
  linearParameters,
  type Llm,
} from '../models/llms.ts';
import { shardOf } from '../models/tensor-parallel.ts';
import type { Batch } from './batch.ts';
import type { CostModel } from './cost-model.ts';

/** Queries that share one pass over the keys and values before them: the tile of FlashAttention-2's kernels. */
const QUERY_TILE = 128;

/** Start-up time of one all-reduce: what 8 H100s take for 2 KB in Vidur's published profile. */
const ALL_REDUCE_US = 37;
/** One after attention, one after the MLP. */
const ALL_REDUCES_A_LAYER = 2;

export interface RooflineOptions {
  readonly gpu: Gpu;
  readonly llm: Llm;
  /** GPUs that share the model; a degree that divides it. */
  readonly tensorParallel: number;
  /** Pipeline stages, each of `tensorParallel` GPUs with an equal part of the layers; the time of one is asked for. */
  readonly stages: number;
  /** CPU work that the GPU waits for: each iteration, and each sequence in it; microseconds. */
  readonly hostFixedUs: number;
  readonly hostPerSequenceUs: number;
  /** Factor on the time of an iteration that holds both prefill and decode; 1: mixing costs nothing by itself. */
  readonly mixedBatchPenalty: number;
}

/**
 * Time of a batch on the GPUs of one instance: for each class of operators the larger of its arithmetic and its memory
 * time, summed over the classes, plus all-reduces and the host's overhead. Piecewise linear in context lengths. Each
 * GPU computes its shard of every operator; all-reduces are rings that overlap with nothing.
 *
 * Plausible where it can be held against measurements of llama-3.1-8b in bf16: one decode 6.7 ms on H100 (reported:
 * 6.5-7.5) and 10.7 ms on A100 (10.5-12); a prompt of 2,048 tokens 43 ms on H100 (40-45). It is optimistic between
 * 128 and 512 tokens, and `mixedBatchPenalty` stands for what it cannot see: kernels that suit neither phase.
 */
export function roofline(options: RooflineOptions): CostModel {
  const { gpu, tensorParallel, stages, hostFixedUs, hostPerSequenceUs, mixedBatchPenalty } = options;
  const llm = shardOf(options.llm, tensorParallel);
  const linearFlopsUs = 1e6 / (gpu.flopsPerS * gpu.linearMfu);
  const weightByteUs = 1e6 / (gpu.bandwidthBytesPerS * gpu.weightMbu);
  const kvTokenUs = (kvBytesPerToken(llm) * 1e6) / (gpu.bandwidthBytesPerS * gpu.kvMbu);
  const linearTokenUs = 2 * linearParameters(llm) * linearFlopsUs;
  const linearWeightsUs = linearParameters(llm) * BYTES_PER_VALUE * weightByteUs;
  const headTokenUs = 2 * headParameters(llm) * linearFlopsUs;
  const headWeightsUs = headParameters(llm) * BYTES_PER_VALUE * weightByteUs;
  const pairUs = (attentionFlopsPerPair(llm) * 1e6) / (gpu.flopsPerS * gpu.attentionMfu);
  const allReduces = tensorParallel === 1 ? 0 : ALL_REDUCES_A_LAYER * llm.layers;
  const ringBytesPerToken = ((2 * (tensorParallel - 1)) / tensorParallel) * llm.hiddenSize * BYTES_PER_VALUE;
  const allReduceTokenUs = (ringBytesPerToken * 1e6) / (gpu.link.bytesPerS * gpu.link.efficiency);

  // Activations go to the next stage; the head, which only the last has, is shared out evenly.
  const hopTokenUs =
    stages === 1 ? 0 : (llm.hiddenSize * BYTES_PER_VALUE * 1e6) / (gpu.link.bytesPerS * gpu.link.efficiency);

  const prefillAttentionUs = (batch: Batch): number => {
    let sum = 0;
    for (let i = 0; i < batch.chunkTokens.length; i++) {
      const tokens = batch.chunkTokens[i] ?? 0;
      const past = batch.chunkPast[i] ?? 0;
      const arithmetic = tokens * (past + tokens / 2) * pairUs;
      const memory = (past + tokens) * Math.ceil(tokens / QUERY_TILE) * kvTokenUs;
      sum += Math.max(arithmetic, memory);
    }
    return sum;
  };

  return {
    timeUs(batch) {
      const linear = Math.max(batch.newTokens * linearTokenUs, linearWeightsUs);
      const decodeAttention = batch.decodeContextTokens * kvTokenUs;
      const head = batch.sampledTokens === 0 ? 0 : Math.max(batch.sampledTokens * headTokenUs, headWeightsUs);
      const communication = allReduces * (ALL_REDUCE_US + batch.newTokens * allReduceTokenUs);
      const host = hostFixedUs + hostPerSequenceUs * batch.sequences;
      const device = linear + prefillAttentionUs(batch) + decodeAttention + head + communication;
      const sum = device / stages + batch.newTokens * hopTokenUs + host;
      return batch.decodes > 0 && batch.chunkTokens.length > 0 ? sum * mixedBatchPenalty : sum;
    },
  };
}
