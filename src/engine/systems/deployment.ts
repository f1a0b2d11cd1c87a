import { UserError } from '../../core/errors.ts';
import type { CostModel, SharedCostModel } from '../cost/cost-model.ts';
import type { HostOverhead } from '../cost/host-overhead.ts';
import { noisy } from '../cost/noise.ts';
import type { CostName, CostSetting } from '../cost/presets.ts';
import type { ShareCurve } from '../cost/share-curve.ts';
import { isTable, tablePreset } from '../cost/table-preset.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { LLMS, type LlmName } from '../models/llms.ts';
import { divides, MAX_TENSOR_PARALLEL, tensorParallelDegrees } from '../models/tensor-parallel.ts';
import { costPreset, readCostOptions, type CostOptions } from './cost-options.ts';
import { checkFit, RUNTIME_RESERVE_BYTES } from './fit.ts';
import { OURS, type OptionReader, type Options, type OptionValue } from './option-reader.ts';

/** Options of every system: a model on a GPU, and the layout of its memory. */
export type Deployment = CostOptions & {
  readonly model: LlmName;
  readonly gpu: GpuName;
  /** GPUs that share the model by tensor parallelism. */
  readonly tp: number;
  /** Pipeline stages of `tp` GPUs each, which divide the layers. */
  readonly pp: number;
  readonly block_tokens: number;
  /** Share of device memory that the engine may use. */
  readonly kv_fraction: number;
  /** KV tokens of an instance, whether they fit or not; 0: as many as its memory leaves. */
  readonly kv_tokens: number;
  readonly mixed_batch_penalty: number;
  readonly max_model_len: number;
};

/** Defaults of a system's memory layout. */
export interface MemoryLayout {
  readonly blockTokens: { readonly fallback: number; readonly max: number; readonly source: string };
  /** Share of the GPU memory that the engine may use. */
  readonly fraction: {
    readonly fallback: (shape: { readonly gpu: GpuName; readonly tp: number; readonly pp: number }) => number;
    readonly source: string;
  };
  /** Bytes of that share on each GPU for activations, CUDA graphs and libraries, besides weights and KV. */
  readonly reserveBytes: number;
}

export const VLLM_MEMORY: MemoryLayout = {
  blockTokens: { fallback: 16, max: 1024, source: 'vLLM' },
  fraction: { fallback: () => 0.9, source: 'vLLM, gpu_memory_utilization' },
  reserveBytes: RUNTIME_RESERVE_BYTES,
};

/**
 * A system's host overhead, where the cost model does not include that of a whole engine; and defaults that differ from
 * the usual.
 */
export interface DeploymentDefaults extends HostOverhead {
  readonly cost?: CostName;
  readonly model?: LlmName;
  readonly gpu?: GpuName;
  /** Default: vLLM's. */
  readonly memory?: MemoryLayout;
  /** Longest prompt and output together, where the model does not limit them. */
  readonly maxModelLen?: { readonly tokens: number; readonly source: string };
  /** Stages of a pipeline at most; absent: as many as there are layers. */
  readonly mostStages?: number;
}

export function readDeployment(given: OptionReader, defaults: DeploymentDefaults): Deployment {
  const deployment = readParts(given, defaults);
  check(given, deployment, defaults);
  return deployment;
}

/** The deployment of one role, with its own count and shape. */
export type RoleDeployment = Deployment & { readonly count: number };

/**
 * The deployments of instances with different roles: the shared options, and for each role `ROLE` (number of
 * instances), `ROLE.tp` and `ROLE.pp` (by default `tp` and `pp`).
 */
export function readRoles<R extends string>(
  given: OptionReader,
  defaults: DeploymentDefaults,
  roles: readonly R[],
): { readonly shared: Deployment; readonly options: Options; role(name: R): RoleDeployment } {
  const shared = readParts(given, defaults);
  const read = new Map<R, RoleDeployment>();
  const options: Record<string, OptionValue> = { ...shared };
  for (const name of roles) {
    const count = given.integer(name, {
      min: 1,
      max: 4096,
      fallback: 1,
      about: `instances that ${name}, each on ${name}.tp x ${name}.pp GPUs`,
      source: OURS,
    });
    const tp = readTensorParallel(given, shared.model, `${name}.tp`, shared.tp);
    const pp = readPipelineParallel(given, shared.model, `${name}.pp`, shared.pp);
    const role = { ...shared, tp, pp, count };
    check(given, role, defaults);
    read.set(name, role);
    Object.assign(options, { [name]: count, [`${name}.tp`]: tp, [`${name}.pp`]: pp });
  }
  return {
    shared,
    options,
    role(name) {
      const role = read.get(name);
      if (role === undefined) throw new Error(`no role ${name}`);
      return role;
    },
  };
}

function readParts(given: OptionReader, defaults: DeploymentDefaults): Deployment {
  const model = given.name('model', LLMS, {
    fallback: defaults.model ?? 'llama-3.1-8b',
    about: 'which model',
    source: OURS,
  });
  const gpu = given.name('gpu', GPUS, { fallback: defaults.gpu ?? 'h100-sxm', about: 'which GPU', source: OURS });
  const { maxModelLen: ofModel, source } = LLMS[model];
  const longest = defaults.maxModelLen ?? { tokens: ofModel, source };
  const { blockTokens, fraction } = defaults.memory ?? VLLM_MEMORY;
  const tp = readTensorParallel(given, model, 'tp', 1);
  const pp = readPipelineParallel(given, model, 'pp', 1, defaults.mostStages);
  return {
    model,
    gpu,
    tp,
    pp,
    ...readCostOptions(given, defaults),
    block_tokens: given.integer('block_tokens', {
      min: 1,
      max: blockTokens.max,
      fallback: blockTokens.fallback,
      about: 'tokens of a KV block',
      source: blockTokens.source,
    }),
    kv_fraction: given.fraction('kv_fraction', {
      above: 0,
      max: 1,
      fallback: fraction.fallback({ gpu, tp, pp }),
      about: 'share of the GPU memory that the engine may use',
      source: fraction.source,
    }),
    kv_tokens: given.integer('kv_tokens', {
      min: 0,
      max: 2 ** 30,
      fallback: 0,
      about: 'KV tokens of an instance, whether they fit or not; 0: what weights and runtime leave of kv_fraction',
      source: OURS,
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
      max: longest.tokens,
      fallback: longest.tokens,
      about: 'longest prompt and output together, tokens',
      source: longest.source,
    }),
  };
}

/** Throws a UserError if the model does not fit or cannot be timed, before anything runs. */
function check(given: OptionReader, deployment: Deployment, { memory = VLLM_MEMORY }: DeploymentDefaults): void {
  checkFit(deployment, memory.reserveBytes);
  // Made for its checks only: a setting without figures is rejected.
  costModel(deployment, '');
  if (isTable(deployment.cost))
    for (const text of tablePreset(deployment.cost).outliers(costSetting(deployment))) given.warn(text);
}

/**
 * The cost model of an instance, with the noise of the options; then each call draws: predict with `costWithoutNoise`.
 */
export function costModel(deployment: Deployment, instance: string, curve?: ShareCurve): CostModel {
  const { noise, run_noise: perRun, seed } = deployment;
  return noisy(costWithoutNoise(deployment, curve), { perIteration: noise, perRun, seed, instance });
}

/** `curve`: speeds on a share of a GPU; default: Nexus' curves. */
export function costWithoutNoise(deployment: Deployment, curve?: ShareCurve): SharedCostModel {
  const setting = costSetting(deployment);
  return costPreset(deployment.cost).create(curve === undefined ? setting : { ...setting, shareCurve: curve });
}

function costSetting(deployment: Deployment): CostSetting {
  const { model, gpu, tp, pp, mixed_batch_penalty: mixedBatchPenalty } = deployment;
  const { host_fixed_us: hostFixedUs, host_per_sequence_us: hostPerSequenceUs } = deployment;
  return { model, gpu, tp, pp, mixedBatchPenalty, hostFixedUs, hostPerSequenceUs };
}

function readTensorParallel(given: OptionReader, model: LlmName, key: string, fallback: number): number {
  const tp = given.integer(key, {
    min: 1,
    max: MAX_TENSOR_PARALLEL,
    fallback,
    about: 'GPUs that share the model by tensor parallelism',
    source: OURS,
  });
  if (divides(LLMS[model], tp)) return tp;
  const { queryHeads, kvHeads, mlpSize } = LLMS[model];
  throw new UserError(
    `reference engine: ${key}=${tp} does not divide ${model} (${queryHeads} query heads, ${kvHeads} KV heads, MLP of ` +
      `${mlpSize}); ${key} can be ${tensorParallelDegrees(LLMS[model]).join(', ')}`,
  );
}

function readPipelineParallel(
  given: OptionReader,
  model: LlmName,
  key: string,
  fallback: number,
  most: number = LLMS[model].layers,
): number {
  const { layers } = LLMS[model];
  const pp = given.integer(key, {
    min: 1,
    max: most,
    fallback,
    about: 'stages that the layers are spread over, each on tp GPUs',
    source: OURS,
  });
  if (layers % pp === 0) return pp;
  const divisors = Array.from({ length: layers }, (_, i) => i + 1).filter((stages) => layers % stages === 0);
  throw new UserError(
    `reference engine: ${key}=${pp} does not divide the ${layers} layers of ${model}; ${key} can be ${divisors.join(', ')}`,
  );
}
