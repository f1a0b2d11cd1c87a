import type { Batch } from './batch.ts';

/** Gives the time of one forward pass. */
export interface CostModel {
  /**
   * Time in microseconds, above zero for a batch that holds work. `share`: of the GPU's processors, above 0 and at most
   * 1; the default is the whole GPU. It never rises with the share. Exact arithmetic only: + - * /, Math.sqrt,
   * core/portable-math.
   */
  timeUs(batch: Batch, share?: number): number;
}

/** A cost model that also tells what batches that run at once take from each other. */
export interface SharedCostModel extends CostModel {
  demand(batch: Batch): Demand;
}

/** What a batch asks of the whole GPU, microseconds at full speed; each is at most its time. */
export interface Demand {
  readonly arithmeticUs: number;
  /** Of reading weights and KV. */
  readonly memoryUs: number;
  /** Attention alone, in both: its time, and that of reading KV. 0 where a model does not tell it apart. */
  readonly attentionUs: number;
  readonly kvUs: number;
}
