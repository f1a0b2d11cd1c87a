import type { Batch } from './batch.ts';
import type { SharedCostModel } from './cost-model.ts';
import { msAt, type Curve } from './curve.ts';
import { phaseCost } from './phase-cost.ts';
import type { ShareCurve } from './share-curve.ts';
import { surfaceMs, type Surface } from './surface.ts';

/**
 * Time of a batch between measured points: prefill by prompt tokens and requests, decode by context tokens and
 * requests. Measured on a whole engine, so its overhead is included. Two things are choices of Reprise: a batch of both
 * phases takes the time of one after the other, times `mixedBatchPenalty`; and a chunk of a prompt, which is never
 * measured, takes the time that it adds to its prompt, and never less than a prompt of its length.
 */
export function table(
  prefill: Surface,
  decode: Surface,
  mixedBatchPenalty: number,
  curve?: ShareCurve,
): SharedCostModel {
  return phaseCost(
    {
      prefillMs: (batch) => prefillTime(prefill, batch),
      decodeMs: (batch) => surfaceMs(decode, batch.decodeContextTokens, batch.decodes),
      fixedMs: 0,
      mixedBatchPenalty,
    },
    curve,
  );
}

function prefillTime(prefill: Surface, { chunkTokens, chunkPast }: Batch): number {
  const alone = prefill.curves[0];
  let tokens = 0;
  let pastMs = 0;
  for (let i = 0; i < chunkTokens.length; i++) {
    const length = chunkTokens[i] ?? 0;
    const past = chunkPast[i] ?? 0;
    tokens += length;
    if (past > 0 && alone !== undefined) pastMs += timeOfPast(alone, length, past);
  }
  return surfaceMs(prefill, tokens, chunkTokens.length) + pastMs;
}

/** Extra milliseconds of a chunk for the tokens before it. */
function timeOfPast(curve: Curve, length: number, past: number): number {
  return Math.max(0, msAt(curve, past + length) - msAt(curve, past) - msAt(curve, length));
}
