import type { Batch } from './batch.ts';

/** How long one forward pass takes. */
export interface CostModel {
  /**
   * Microseconds, above zero for a batch that holds work. `share`: of the GPU's processors, above 0 and at most 1,
   * which is the whole GPU and what is meant where it is left out. Exact arithmetic only: + - * /, Math.sqrt,
   * core/portable-math.
   */
  timeUs(batch: Batch, share?: number): number;
}
