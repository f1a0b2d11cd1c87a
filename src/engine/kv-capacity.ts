import { kvBlocks } from './systems/fit.ts';

/** An engine that many have, with the tokens that its KV cache holds. */
interface KvCapacity {
  /** `Llama 3.1 8B on one H100`. */
  readonly name: string;
  readonly tokens: number;
}

/** vLLM's defaults: blocks of 16 tokens in 0.9 of the memory. */
const USUAL = { pp: 1, kv_fraction: 0.9, kv_tokens: 0, block_tokens: 16 };

/** What a cache of the usual size is, to read a curve over sizes by. */
export function usualKvCapacity(): KvCapacity {
  const blocks = kvBlocks({ ...USUAL, model: 'llama-3.1-8b', gpu: 'h100-sxm', tp: 1 });
  return { name: 'Llama 3.1 8B on one H100', tokens: blocks * USUAL.block_tokens };
}
