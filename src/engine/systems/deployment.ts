import { UserError } from '../../core/errors.ts';
import type { CostModel } from '../cost/cost-model.ts';
import type { HostOverhead } from '../cost/host-overhead.ts';
import { noisy } from '../cost/noise.ts';
import type { CostSetting } from '../cost/presets.ts';
import { isTable, tablePreset } from '../cost/table-preset.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { LLMS, type LlmName } from '../models/llms.ts';
import { divides, MAX_TENSOR_PARALLEL, tensorParallelDegrees } from '../models/tensor-parallel.ts';
import { costPreset, readCostOptions, type CostOptions } from './cost-options.ts';
import { readKvTokens, RUNTIME_RESERVE_BYTES } from './fit.ts';
import { OURS, type OptionReader } from './option-reader.ts';

/** What every system is asked: a model on a GPU, and how its memory is laid out. */
export type Deployment = CostOptions & {
  readonly model: LlmName;
  readonly gpu: GpuName;
  /** GPUs that share the model by tensor parallelism. */
  readonly tp: number;
  /** Stages of tp GPUs each that the layers are spread over. */
  readonly pp: number;
  readonly block_tokens: number;
  /** Share of device memory that the engine may use. */
  readonly kv_fraction: number;
  /** KV tokens that fit; a whole number of blocks is used. */
  readonly kv_tokens: number;
  readonly mixed_batch_penalty: number;
  readonly max_model_len: number;
};

/** How a system lays out its memory, where it is not told. */
export interface MemoryLayout {
  readonly blockTokens: { readonly fallback: number; readonly max: number; readonly source: string };
  /** By the degree of tensor parallelism. */
  readonly fraction: { readonly fallback: (tp: number) => number; readonly source: string };
  /** Of that fraction on each GPU, what activations, CUDA graphs and libraries take besides weights and KV. */
  readonly reserveBytes: number;
}

const VLLM_MEMORY: MemoryLayout = {
  blockTokens: { fallback: 16, max: 1024, source: 'vLLM' },
  fraction: { fallback: () => 0.9, source: 'vLLM, gpu_memory_utilization' },
  reserveBytes: RUNTIME_RESERVE_BYTES,
};

/** `host`: what the system itself costs, where the cost model does not bring that of a whole engine. */
export function readDeployment(given: OptionReader, host: HostOverhead, memory = VLLM_MEMORY): Deployment {
  const model = given.name('model', LLMS, { fallback: 'llama-3.1-8b', about: 'which model', source: OURS });
  const gpu = given.name('gpu', GPUS, { fallback: 'h100-sxm', about: 'which GPU', source: OURS });
  const longest = LLMS[model].maxModelLen;
  const tp = readTensorParallel(given, model);
  const pp = readPipelineParallel(given, model);
  const costOptions = readCostOptions(given, host);
  const block_tokens = given.integer('block_tokens', {
    min: 1,
    max: memory.blockTokens.max,
    fallback: memory.blockTokens.fallback,
    about: 'tokens of a KV block',
    source: memory.blockTokens.source,
  });
  const kv_fraction = given.fraction('kv_fraction', {
    above: 0,
    max: 1,
    fallback: memory.fraction.fallback(tp),
    about: 'share of the GPU memory that the engine may use',
    source: memory.fraction.source,
  });
  const deployment = {
    model,
    gpu,
    tp,
    pp,
    ...costOptions,
    block_tokens,
    kv_fraction,
    kv_tokens: readKvTokens(given, { model, gpu, tp, pp, block_tokens, kv_fraction }, memory.reserveBytes),
    mixed_batch_penalty: given.fraction('mixed_batch_penalty', {
      above: 0,
      max: 100,
      fallback: 1,
      about: 'factor on the time of a batch that holds both prefill and decode',
      source: '1: ideal; 1.1: splitwise-sim; 1.7: measured by Nexus on L20',
    }),
    max_model_len: given.integer('max_model_len', {
      min: 2,
      max: longest,
      fallback: longest,
      about: 'longest prompt and output together, tokens',
      source: LLMS[model].source,
    }),
  };
  // Made to be thrown away: a setting without figures is refused before anything runs.
  costModel(deployment, '');
  if (isTable(deployment.cost))
    for (const text of tablePreset(deployment.cost).outliers(costSetting(deployment))) given.warn(text);
  return deployment;
}

/** Times iterations, with noise where it was asked for; then each call draws: predict with `noise` and `run_noise` at 0. */
export function costModel(deployment: Deployment, instance: string): CostModel {
  const { cost, noise, run_noise: perRun, seed } = deployment;
  return noisy(costPreset(cost).create(costSetting(deployment)), { perIteration: noise, perRun, seed, instance });
}

function costSetting(deployment: Deployment): CostSetting {
  const { model, gpu, tp, pp, mixed_batch_penalty: mixedBatchPenalty } = deployment;
  const { host_fixed_us: hostFixedUs, host_per_sequence_us: hostPerSequenceUs } = deployment;
  return { model, gpu, tp, pp, mixedBatchPenalty, hostFixedUs, hostPerSequenceUs };
}

function readTensorParallel(given: OptionReader, model: LlmName): number {
  const tp = given.integer('tp', {
    min: 1,
    max: MAX_TENSOR_PARALLEL,
    fallback: 1,
    about: 'GPUs that share the model by tensor parallelism',
    source: OURS,
  });
  if (divides(LLMS[model], tp)) return tp;
  const { queryHeads, kvHeads, mlpSize } = LLMS[model];
  throw new UserError(
    `reference engine: tp=${tp} does not divide ${model} (${queryHeads} query heads, ${kvHeads} KV heads, MLP of ` +
      `${mlpSize}); tp can be ${tensorParallelDegrees(LLMS[model]).join(', ')}`,
  );
}

function readPipelineParallel(given: OptionReader, model: LlmName): number {
  const { layers } = LLMS[model];
  const pp = given.integer('pp', {
    min: 1,
    max: layers,
    fallback: 1,
    about: 'stages that the layers are spread over, each on tp GPUs',
    source: OURS,
  });
  if (layers % pp === 0) return pp;
  const divisors = Array.from({ length: layers }, (_, i) => i + 1).filter((stages) => layers % stages === 0);
  throw new UserError(
    `reference engine: pp=${pp} does not divide the ${layers} layers of ${model}; pp can be ${divisors.join(', ')}`,
  );
}
