import { missingTokens, type SequenceView } from '../instance/sequence.ts';
import type { Scheduler } from './policy.ts';

/**
 * Share of all blocks that admission leaves free for running requests to grow: the constant of vLLM v0 and
 * Sarathi-Serve.
 */
const WATERMARK = 0.01;

/**
 * Whether blocks for the whole prompt are free and leave the watermark. It does not count while no request holds
 * memory: vLLM drops a request that alone would go beyond it, and here every request that fits is served.
 */
export function fitsAboveWatermark<S extends SequenceView>({ memory }: Scheduler<S>, sequence: S): boolean {
  const { capacityBlocks, freeBlocks } = memory;
  const left = freeBlocks - sequence.neededBlocks(sequence.computedTokens + missingTokens(sequence));
  return left >= (freeBlocks === capacityBlocks ? 0 : Math.floor(WATERMARK * capacityBlocks));
}
