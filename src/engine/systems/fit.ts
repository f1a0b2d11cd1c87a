import { UserError } from '../../core/errors.ts';
import { GPUS } from '../hardware/gpus.ts';
import { kvBytesPerToken, weightBytes, type Llm } from '../models/llm.ts';
import { LLMS } from '../models/llms.ts';
import { shardOf, tensorParallelDegrees } from '../models/tensor-parallel.ts';
import type { Deployment } from './deployment.ts';

/** Bytes of each GPU for activations, CUDA graphs and libraries besides weights and KV (AIConfigurator's reserve). */
export const RUNTIME_RESERVE_BYTES = 3.5e9;

/** What of a deployment decides how many KV blocks it has. */
type KvRoom = Pick<Deployment, 'model' | 'gpu' | 'tp' | 'pp' | 'kv_fraction' | 'kv_tokens' | 'block_tokens'>;

/**
 * KV blocks of an instance: the given number, or those that fit into the memory that weights and runtime leave on each
 * GPU; every GPU has its part of each block.
 */
export function kvBlocks(deployment: KvRoom, reserveBytes = RUNTIME_RESERVE_BYTES): number {
  const { model, gpu, tp, pp, kv_fraction, kv_tokens, block_tokens } = deployment;
  if (kv_tokens > 0) return Math.floor(kv_tokens / block_tokens);
  const shard = shardOf(LLMS[model], tp);
  const left = GPUS[gpu].memoryBytes * kv_fraction - weightBytes(shard) / pp - reserveBytes;
  return Math.floor((left * pp) / (kvBytesPerToken(shard) * block_tokens));
}

/** Upper limit of the tables of a pool, which take some seconds and gigabytes: far above any server's memory. */
const MAX_KV_BLOCKS = 2 ** 26;

/** Throws a UserError if an instance has no KV block, or too many. */
export function checkFit(deployment: Deployment, reserveBytes: number): void {
  const blocks = kvBlocks(deployment, reserveBytes);
  if (blocks < 1) throw doesNotFit(deployment, reserveBytes);
  if (blocks > MAX_KV_BLOCKS)
    throw new UserError(
      `reference engine: an instance has ${blocks} KV blocks of ${deployment.block_tokens} tokens, and can have ` +
        `${MAX_KV_BLOCKS}; give kv_tokens=${MAX_KV_BLOCKS * deployment.block_tokens} or less`,
    );
}

/** The error, with a way out, for an instance without a single KV block. */
function doesNotFit(deployment: Deployment, reserveBytes: number): UserError {
  const { model, gpu, tp, pp, kv_fraction, kv_tokens, block_tokens } = deployment;
  if (kv_tokens > 0)
    return new UserError(
      `reference engine: kv_tokens=${kv_tokens} is less than one block; raise it to block_tokens=${block_tokens} or more`,
    );
  const { memoryBytes } = GPUS[gpu];
  const needed = (shard: Llm, stages: number): number =>
    (weightBytes(shard) + kvBytesPerToken(shard) * block_tokens) / stages + reserveBytes;
  const each = needed(shardOf(LLMS[model], tp), pp);
  const shared = enoughGpus(deployment, (shard, stages) => needed(shard, stages) <= memoryBytes * kv_fraction);
  const wayOut =
    each <= memoryBytes
      ? `raise kv_fraction above ${(Math.ceil((each / memoryBytes) * 100) / 100).toFixed(2)}`
      : `${shared === null ? '' : `share it by ${shared}, or `}take a smaller model or a larger GPU`;
  return new UserError(
    `reference engine: ${model} does not fit: it needs ${gb(each)} a GPU for weights and runtime at tp=${tp}${pp === 1 ? '' : `, pp=${pp}`}, and ` +
      `kv_fraction=${kv_fraction} of ${gpu}'s memory is ${gb(memoryBytes * kv_fraction)}; ${wayOut}`,
  );
}

/** The smallest tensor-parallel degree that suffices; if none does, the largest with the fewest stages. */
function enoughGpus({ model, tp, pp }: Deployment, fits: (shard: Llm, stages: number) => boolean): string | null {
  const llm = LLMS[model];
  const degrees = tensorParallelDegrees(llm);
  const degree = degrees.find((each) => each > tp && fits(shardOf(llm, each), pp));
  if (degree !== undefined) return `tp=${degree}`;
  const most = degrees.at(-1) ?? tp;
  for (let stages = pp + 1; stages <= llm.layers; stages++)
    if (llm.layers % stages === 0 && fits(shardOf(llm, most), stages)) return `tp=${most},pp=${stages}`;
  return null;
}

function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
