import type { Batch } from './batch.ts';
import type { SharedCostModel } from './cost-model.ts';
import { NEXUS_CURVE, speedsBy, type ShareCurve } from './share-curve.ts';

/** Measured times of the two phases of a batch, milliseconds on the whole GPU. */
export interface PhaseTimes {
  /** Of the prompt chunks of a batch that has some. */
  prefillMs(batch: Batch): number;
  /** Of the decodes of a batch that has some. */
  decodeMs(batch: Batch): number;
  /** Of any batch, whatever the GPU does. */
  readonly fixedMs: number;
  /** Factor on the time of a batch that holds both phases. */
  readonly mixedBatchPenalty: number;
}

/**
 * The cost of a batch whose phases were measured as wholes: one after the other. A share of a GPU was not measured: a
 * prefill is as arithmetic and a decode as memory on the curves of a share, and `fixedMs` does not change (a choice of
 * Reprise).
 */
export function phaseCost(times: PhaseTimes, curve: ShareCurve = NEXUS_CURVE): SharedCostModel {
  const speedsOn = speedsBy(curve);
  const prefillMs = (batch: Batch): number => (batch.chunkTokens.length === 0 ? 0 : times.prefillMs(batch));
  const decodeMs = (batch: Batch): number => (batch.decodes === 0 ? 0 : times.decodeMs(batch));
  return {
    timeUs(batch, share = 1) {
      const { arithmetic, bandwidth } = speedsOn(share);
      const isMixed = batch.chunkTokens.length > 0 && batch.decodes > 0;
      const ms = prefillMs(batch) / arithmetic + decodeMs(batch) / bandwidth + times.fixedMs;
      return (isMixed ? ms * times.mixedBatchPenalty : ms) * 1000;
    },
    demand: (batch) => ({
      arithmeticUs: prefillMs(batch) * 1000,
      memoryUs: decodeMs(batch) * 1000,
      attentionUs: 0,
      kvUs: 0,
    }),
  };
}
