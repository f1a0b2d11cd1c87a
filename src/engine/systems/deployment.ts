import { UserError } from '../../core/errors.ts';
import type { CostModel } from '../cost/cost-model.ts';
import type { HostOverhead } from '../cost/host-overhead.ts';
import { noisy } from '../cost/noise.ts';
import type { CostSetting } from '../cost/presets.ts';
import { isTable, tablePreset } from '../cost/table-preset.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { kvBytesPerToken, weightBytes, type Llm } from '../models/llm.ts';
import { LLMS, type LlmName } from '../models/llms.ts';
import { divides, MAX_TENSOR_PARALLEL, shardOf, tensorParallelDegrees } from '../models/tensor-parallel.ts';
import { costPreset, readCostOptions, type CostOptions } from './cost-options.ts';
import { OURS, type OptionReader } from './option-reader.ts';

/** Memory of each GPU that activations, CUDA graphs and libraries take besides weights and KV (AIConfigurator's reserve). */
const RUNTIME_RESERVE_BYTES = 3.5e9;

/** What every system is asked: a model on a GPU, and how its memory is laid out. */
export type Deployment = CostOptions & {
  readonly model: LlmName;
  readonly gpu: GpuName;
  /** GPUs that share the model by tensor parallelism. */
  readonly tp: number;
  readonly block_tokens: number;
  /** Share of device memory that the engine may use. */
  readonly kv_fraction: number;
  readonly mixed_batch_penalty: number;
  readonly max_model_len: number;
};

/** `host`: what the system itself costs, where the cost model does not bring that of a whole engine. */
export function readDeployment(given: OptionReader, host: HostOverhead): Deployment {
  const model = given.name('model', LLMS, { fallback: 'llama-3.1-8b', about: 'which model', source: OURS });
  const gpu = given.name('gpu', GPUS, { fallback: 'h100-sxm', about: 'which GPU', source: OURS });
  const longest = LLMS[model].maxModelLen;
  const deployment = {
    model,
    gpu,
    tp: readTensorParallel(given, model),
    ...readCostOptions(given, host),
    block_tokens: given.integer('block_tokens', {
      min: 1,
      max: 1024,
      fallback: 16,
      about: 'tokens of a KV block',
      source: 'vLLM',
    }),
    kv_fraction: given.fraction('kv_fraction', {
      above: 0,
      max: 1,
      fallback: 0.9,
      about: 'share of the GPU memory that the engine may use',
      source: 'vLLM, gpu_memory_utilization',
    }),
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
  if (kvBlocks(deployment) < 1) throw doesNotFit(deployment);
  // Made to be thrown away: a setting without figures is refused before anything runs.
  costModel(deployment);
  if (isTable(deployment.cost))
    for (const text of tablePreset(deployment.cost).outliers(costSetting(deployment))) given.warn(text);
  return deployment;
}

/** Times iterations, with noise where it was asked for; then each call draws: predict with `noise` and `run_noise` at 0. */
export function costModel(deployment: Deployment): CostModel {
  const { cost, noise, run_noise: perRun, seed } = deployment;
  return noisy(costPreset(cost).create(costSetting(deployment)), { perIteration: noise, perRun, seed });
}

function costSetting(deployment: Deployment): CostSetting {
  const { model, gpu, tp, mixed_batch_penalty: mixedBatchPenalty } = deployment;
  const { host_fixed_us: hostFixedUs, host_per_sequence_us: hostPerSequenceUs } = deployment;
  return { model, gpu, tp, mixedBatchPenalty, hostFixedUs, hostPerSequenceUs };
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

/** KV blocks in what the weights and the runtime leave of the memory of each GPU; a block has its share on all. */
export function kvBlocks({ model, gpu, tp, kv_fraction, block_tokens }: Deployment): number {
  const shard = shardOf(LLMS[model], tp);
  const left = GPUS[gpu].memoryBytes * kv_fraction - weightBytes(shard) - RUNTIME_RESERVE_BYTES;
  return Math.floor(left / (kvBytesPerToken(shard) * block_tokens));
}

function doesNotFit({ model, gpu, tp, kv_fraction, block_tokens }: Deployment): UserError {
  const { memoryBytes } = GPUS[gpu];
  const needed = (shard: Llm): number =>
    weightBytes(shard) + RUNTIME_RESERVE_BYTES + kvBytesPerToken(shard) * block_tokens;
  const each = needed(shardOf(LLMS[model], tp));
  const enough = tensorParallelDegrees(LLMS[model]).find(
    (more) => more > tp && needed(shardOf(LLMS[model], more)) <= memoryBytes * kv_fraction,
  );
  const wayOut =
    each <= memoryBytes
      ? `raise kv_fraction above ${(Math.ceil((each / memoryBytes) * 100) / 100).toFixed(2)}`
      : enough === undefined
        ? 'take a smaller model or a larger GPU'
        : `share it by tp=${enough}, or take a smaller model or a larger GPU`;
  return new UserError(
    `reference engine: ${model} does not fit: it needs ${gb(each)} a GPU for weights and runtime at tp=${tp}, and ` +
      `kv_fraction=${kv_fraction} of ${gpu}'s memory is ${gb(memoryBytes * kv_fraction)}; ${wayOut}`,
  );
}

function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
