import { UserError } from '../../core/errors.ts';
import { GPUS, type GpuName } from '../hardware/gpus.ts';
import { kvBytesPerToken, LLMS, weightBytes, type LlmName } from '../models/llms.ts';
import type { OptionReader } from './option-reader.ts';

/** Memory that activations, CUDA graphs and libraries take besides weights and KV (AIConfigurator's reserve). */
const RUNTIME_RESERVE_BYTES = 3.5e9;

/** What every system is asked: a model on a GPU, and how its memory is laid out. */
export type Deployment = {
  readonly model: LlmName;
  readonly gpu: GpuName;
  readonly block_tokens: number;
  /** Share of device memory that the engine may use. */
  readonly kv_fraction: number;
  readonly mixed_batch_penalty: number;
  readonly max_model_len: number;
};

export function readDeployment(given: OptionReader): Deployment {
  const model = given.name('model', LLMS, 'llama-3.1-8b');
  const gpu = given.name('gpu', GPUS, 'h100-sxm');
  const longest = LLMS[model].maxModelLen;
  const deployment = {
    model,
    gpu,
    block_tokens: given.integer('block_tokens', { min: 1, max: 1024, fallback: 16 }),
    kv_fraction: given.fraction('kv_fraction', { above: 0, max: 1, fallback: 0.9 }),
    mixed_batch_penalty: given.fraction('mixed_batch_penalty', { above: 0, max: 100, fallback: 1 }),
    max_model_len: given.integer('max_model_len', { min: 2, max: longest, fallback: longest }),
  };
  if (kvBlocks(deployment) < 1) throw doesNotFit(deployment);
  return deployment;
}

/** KV blocks in what the weights and the runtime leave of the memory. */
export function kvBlocks(deployment: Deployment): number {
  const { memoryBytes } = GPUS[deployment.gpu];
  const llm = LLMS[deployment.model];
  const left = memoryBytes * deployment.kv_fraction - weightBytes(llm) - RUNTIME_RESERVE_BYTES;
  return Math.floor(left / (kvBytesPerToken(llm) * deployment.block_tokens));
}

function doesNotFit({ model, gpu, kv_fraction }: Deployment): UserError {
  const llm = LLMS[model];
  const { memoryBytes } = GPUS[gpu];
  const needed = weightBytes(llm) + RUNTIME_RESERVE_BYTES + kvBytesPerToken(llm);
  const wayOut =
    needed <= memoryBytes
      ? `raise kv_fraction above ${(Math.ceil((needed / memoryBytes) * 100) / 100).toFixed(2)}`
      : 'take a smaller model or a larger GPU';
  return new UserError(
    `reference engine: ${model} does not fit: it needs ${gb(needed)} for weights and runtime, and kv_fraction=${kv_fraction} ` +
      `of ${gpu}'s memory is ${gb(memoryBytes * kv_fraction)}; ${wayOut}`,
  );
}

function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
