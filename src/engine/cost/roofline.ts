import { wholePower } from '../../core/portable-math.ts';
import type { Gpu } from '../hardware/gpus.ts';
import {
  attentionFlopsPerPair,
  attentionParameters,
  BYTES_PER_VALUE,
  headParameters,
  kvBytesPerToken,
  linearParameters,
  mlpParameters,
  type Llm,
} from '../models/llm.ts';
import { shardOf } from '../models/tensor-parallel.ts';
import { NEXUS_CURVE, speedsBy, type ShareCurve, type ShareSpeeds } from './share-curve.ts';
import type { Batch } from './batch.ts';
import type { SharedCostModel } from './cost-model.ts';
import { withHost, type HostOverhead } from './host-overhead.ts';

/** Queries that share one pass over the preceding keys and values: the tile of FlashAttention-2's kernels. */
const QUERY_TILE = 128;

/** Start-up time of one all-reduce: that of 8 H100s for 2 KB in Vidur's published profile. */
const ALL_REDUCE_US = 37;
/** One after attention, one after the MLP. */
const ALL_REDUCES_A_LAYER = 2;

export interface RooflineOptions extends HostOverhead {
  readonly gpu: Gpu;
  readonly llm: Llm;
  /** GPUs that share the model; a degree that divides it. */
  readonly tensorParallel: number;
  /** Pipeline stages, each of `tensorParallel` GPUs with an equal part of the layers; the time is that of one stage. */
  readonly stages: number;
  /** Factor on the time of an iteration that holds both prefill and decode; 1: mixing costs nothing by itself. */
  readonly mixedBatchPenalty: number;
  /** Speeds on a share of the processors; default: Nexus' curves. */
  readonly shareCurve?: ShareCurve;
}

/**
 * Time of a batch on the GPUs of one instance: for each class of operators the larger of its arithmetic and its memory
 * time, summed over the classes, plus all-reduces and the host's overhead. Piecewise linear in context lengths. Each
 * GPU computes its shard of every operator; all-reduces are rings that overlap with nothing. With experts, only the
 * weights of the experts that the batch's tokens are expected to reach are read.
 *
 * Plausible where it can be compared with measurements of llama-3.1-8b in bf16: one decode 6.7 ms on H100 (reported:
 * 6.5-7.5) and 10.7 ms on A100 (10.5-12); a prompt of 2,048 tokens 43 ms on H100 (40-45). It is optimistic between 128
 * and 512 tokens, and `mixedBatchPenalty` stands for an effect outside of the model: kernels that suit neither phase.
 *
 * On a share of the processors each class takes the larger of its two times at the share's speeds (Nexus section 4.1,
 * which sums the same over its operators); links and the host do not change.
 */
export function roofline(options: RooflineOptions): SharedCostModel {
  const { gpu, tensorParallel, stages, mixedBatchPenalty } = options;
  const speedsOn = speedsBy(options.shareCurve ?? NEXUS_CURVE, Math.max(gpu.linearMfu, gpu.attentionMfu));
  const llm = shardOf(options.llm, tensorParallel);
  const linearFlopsUs = 1e6 / (gpu.flopsPerS * gpu.linearMfu);
  const weightByteUs = 1e6 / (gpu.bandwidthBytesPerS * gpu.weightMbu);
  const kvTokenUs = (kvBytesPerToken(llm) * 1e6) / (gpu.bandwidthBytesPerS * gpu.kvMbu);
  const { experts } = llm;
  // Experts are a class of their own: the number of experts whose weights are read depends on the batch.
  const everyToken = experts === undefined ? linearParameters(llm) : attentionParameters(llm);
  const linearTokenUs = 2 * everyToken * linearFlopsUs;
  const linearWeightsUs = everyToken * BYTES_PER_VALUE * weightByteUs;
  const expertTokenUs = 2 * mlpParameters(llm) * linearFlopsUs;
  const expertWeightsUs = mlpParameters(llm) * BYTES_PER_VALUE * weightByteUs;
  const headTokenUs = 2 * headParameters(llm) * linearFlopsUs;
  const headWeightsUs = headParameters(llm) * BYTES_PER_VALUE * weightByteUs;
  const pairUs = (attentionFlopsPerPair(llm) * 1e6) / (gpu.flopsPerS * gpu.attentionMfu);
  const allReduces = tensorParallel === 1 ? 0 : ALL_REDUCES_A_LAYER * llm.layers;
  const ringBytesPerToken = ((2 * (tensorParallel - 1)) / tensorParallel) * llm.hiddenSize * BYTES_PER_VALUE;
  const allReduceTokenUs = (ringBytesPerToken * 1e6) / (gpu.link.bytesPerS * gpu.link.efficiency);

  // Activations go to the next stage; the head, which only the last stage has, is shared out evenly.
  const hopTokenUs =
    stages === 1 ? 0 : (llm.hiddenSize * BYTES_PER_VALUE * 1e6) / (gpu.link.bytesPerS * gpu.link.efficiency);

  const attentionArithmeticUs = (tokens: number, past: number): number => tokens * (past + tokens / 2) * pairUs;
  const attentionMemoryUs = (tokens: number, past: number): number =>
    (past + tokens) * Math.ceil(tokens / QUERY_TILE) * kvTokenUs;

  const prefillAttentionUs = (batch: Batch, speeds: ShareSpeeds): number => {
    let sum = 0;
    for (let i = 0; i < batch.chunkTokens.length; i++) {
      const tokens = batch.chunkTokens[i] ?? 0;
      const past = batch.chunkPast[i] ?? 0;
      sum += longer(attentionArithmeticUs(tokens, past), attentionMemoryUs(tokens, past), speeds);
    }
    return sum;
  };

  const expertWeightsOf = (tokens: number): number =>
    experts === undefined ? 0 : expectedExperts(experts, tokens) * expertWeightsUs;
  const expertArithmeticOf = (tokens: number): number =>
    experts === undefined ? 0 : tokens * experts.active * expertTokenUs;

  return {
    timeUs(batch, share = 1) {
      const speeds = speedsOn(share);
      const tokens = batch.newTokens;
      const linear =
        longer(tokens * linearTokenUs, linearWeightsUs, speeds) +
        longer(expertArithmeticOf(tokens), expertWeightsOf(tokens), speeds);
      const decodeAttention = (batch.decodeContextTokens * kvTokenUs) / speeds.bandwidth;
      const head = batch.sampledTokens === 0 ? 0 : longer(batch.sampledTokens * headTokenUs, headWeightsUs, speeds);
      const communication = allReduces * (ALL_REDUCE_US + tokens * allReduceTokenUs);
      const device = linear + prefillAttentionUs(batch, speeds) + decodeAttention + head + communication;
      const sum = withHost(device / stages + tokens * hopTokenUs, batch, options);
      return batch.decodes > 0 && batch.chunkTokens.length > 0 ? sum * mixedBatchPenalty : sum;
    },

    demand(batch) {
      const tokens = batch.newTokens;
      const isSampled = batch.sampledTokens > 0;
      let arithmeticUs = tokens * linearTokenUs + expertArithmeticOf(tokens) + batch.sampledTokens * headTokenUs;
      const weightsUs = linearWeightsUs + expertWeightsOf(tokens) + (isSampled ? headWeightsUs : 0);
      let kvUs = batch.decodeContextTokens * kvTokenUs;
      for (let i = 0; i < batch.chunkTokens.length; i++) {
        const chunk = batch.chunkTokens[i] ?? 0;
        const past = batch.chunkPast[i] ?? 0;
        arithmeticUs += attentionArithmeticUs(chunk, past);
        kvUs += attentionMemoryUs(chunk, past);
      }
      const attentionUs = batch.decodeContextTokens * kvTokenUs + prefillAttentionUs(batch, speedsOn(1));
      return {
        arithmeticUs: arithmeticUs / stages,
        memoryUs: (weightsUs + kvUs) / stages,
        attentionUs: attentionUs / stages,
        kvUs: kvUs / stages,
      };
    },
  };
}

/** The time of a class of operators that compute while they read. */
function longer(arithmeticUs: number, memoryUs: number, { arithmetic, bandwidth }: ShareSpeeds): number {
  return Math.max(arithmeticUs / arithmetic, memoryUs / bandwidth);
}

/**
 * Expected number of a layer's experts that `tokens` tokens reach, if each token picks its experts with equal chances.
 */
export function expectedExperts({ count, active }: { count: number; active: number }, tokens: number): number {
  return count * (1 - wholePower(1 - active / count, tokens));
}
