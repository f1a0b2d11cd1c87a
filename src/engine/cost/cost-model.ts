import type { Batch } from './batch.ts';

/** How long one forward pass takes. */
export interface CostModel {
  /** Microseconds, above zero for a batch that holds work. Exact arithmetic only: + - * /, Math.sqrt, core/exact-math. */
  timeUs(batch: Batch): number;
}
