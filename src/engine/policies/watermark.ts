import { missingTokens, type SequenceView } from '../instance/sequence.ts';
import type { Scheduler } from './policy.ts';

/**
 * Share of all blocks that admission leaves free for running requests to grow: vLLM v0's constant, and Sarathi-Serve's.
 */
const WATERMARK = 0.01;

/**
 * Whether the blocks of the whole prompt are free above the watermark. The watermark does not count while no request
 * holds memory: vLLM drops a request that alone would exceed it, and here every request that fits is served.
 */
export function fitsAboveWatermark<S extends SequenceView>({ memory }: Scheduler<S>, sequence: S): boolean {
  const { capacityBlocks, freeBlocks } = memory;
  const left = freeBlocks - sequence.neededBlocks(sequence.computedTokens + missingTokens(sequence));
  return left >= (freeBlocks === capacityBlocks ? 0 : Math.floor(WATERMARK * capacityBlocks));
}
