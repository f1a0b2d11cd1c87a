import { UserError } from '../../core/errors.ts';
import { GPUS } from '../hardware/gpus.ts';
import { kvBytesPerToken, weightBytes, type Llm } from '../models/llm.ts';
import { LLMS } from '../models/llms.ts';
import { shardOf, tensorParallelDegrees } from '../models/tensor-parallel.ts';
import type { Deployment } from './deployment.ts';
import type { OptionReader } from './option-reader.ts';

/** Memory of each GPU that activations, CUDA graphs and libraries take besides weights and KV (AIConfigurator's reserve). */
export const RUNTIME_RESERVE_BYTES = 3.5e9;

type Memory = Pick<Deployment, 'model' | 'gpu' | 'tp' | 'pp' | 'block_tokens' | 'kv_fraction'>;

/** KV blocks of an instance. */
export function kvBlocks({ kv_tokens, block_tokens }: Deployment): number {
  return Math.floor(kv_tokens / block_tokens);
}

/** KV tokens as given, or whole blocks of what the rest leaves. */
export function readKvTokens(given: OptionReader, memory: Memory, reserveBytes: number): number {
  const { block_tokens } = memory;
  const left = blocksLeft(memory, reserveBytes) * block_tokens;
  const tokens = given.integer('kv_tokens', {
    min: 0,
    max: 2 ** 40,
    fallback: Math.max(0, left),
    about: 'KV tokens in all, whatever fits into the memory',
    source: 'what weights and runtime leave of kv_fraction of the GPU memory',
  });
  if (tokens >= block_tokens) return tokens;
  if (tokens === Math.max(0, left)) throw doesNotFit(memory, reserveBytes);
  throw new UserError(
    `reference engine: kv_tokens=${tokens} is less than one block; raise it to block_tokens=${block_tokens} or more`,
  );
}

/** KV blocks in what the weights and the runtime leave of the memory of each GPU; a block has its share on all. */
function blocksLeft({ model, gpu, tp, pp, kv_fraction, block_tokens }: Memory, reserveBytes: number): number {
  const shard = shardOf(LLMS[model], tp);
  const left = GPUS[gpu].memoryBytes * kv_fraction - weightBytes(shard) / pp - reserveBytes;
  return Math.floor((left * pp) / (kvBytesPerToken(shard) * block_tokens));
}

/** What to say, and the way out, where not even one block is left. */
function doesNotFit({ model, gpu, tp, pp, kv_fraction, block_tokens }: Memory, reserveBytes: number): UserError {
  const { memoryBytes } = GPUS[gpu];
  const needed = (shard: Llm): number =>
    (weightBytes(shard) + kvBytesPerToken(shard) * block_tokens) / pp + reserveBytes;
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
    `reference engine: ${model} does not fit: it needs ${gb(each)} a GPU for weights and runtime at tp=${tp}${pp === 1 ? '' : `, pp=${pp}`}, and ` +
      `kv_fraction=${kv_fraction} of ${gpu}'s memory is ${gb(memoryBytes * kv_fraction)}; ${wayOut}`,
  );
}

function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
