import type { Batch } from './batch.ts';

/** Gives the time of one forward pass. */
export interface CostModel {
  /**
   * Time in microseconds, above zero for a batch that holds work. `share`: of the GPU's processors, above 0 and at most
   * 1; the default is the whole GPU. Exact arithmetic only: + - * /, Math.sqrt, core/portable-math.
   */
  timeUs(batch: Batch, share?: number): number;
}
