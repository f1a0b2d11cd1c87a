import type { Batch } from './batch.ts';
import type { CostModel } from './cost-model.ts';
import { msAt, type Curve } from './curve.ts';
import { surfaceMs, type Surface } from './surface.ts';

/**
 * Time of a batch between measured points: prefill by prompt tokens and requests, decode by context tokens and
 * requests. Measured on a whole engine, so that its overhead is in it. Two things are ours: a batch of both phases
 * takes the time of one after the other, times `mixedBatchPenalty`; and a chunk of a prompt, which is never measured,
 * takes what the prompt takes more with it than without it, and never less than a prompt of its length. On a share of
 * the GPU, which a table does not have, the whole time is divided by the share (ours too).
 */
export function table(prefill: Surface, decode: Surface, mixedBatchPenalty: number): CostModel {
  return {
    timeUs(batch, share = 1) {
      const chunks = batch.chunkTokens.length;
      const prefillMs = chunks === 0 ? 0 : prefillTime(prefill, batch);
      const decodeMs = batch.decodes === 0 ? 0 : surfaceMs(decode, batch.decodeContextTokens, batch.decodes);
      const ms = prefillMs + decodeMs;
      return ((chunks > 0 && batch.decodes > 0 ? ms * mixedBatchPenalty : ms) * 1000) / share;
    },
  };
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

/** What a chunk takes longer for the tokens before it. */
function timeOfPast(curve: Curve, length: number, past: number): number {
  return Math.max(0, msAt(curve, past + length) - msAt(curve, past) - msAt(curve, length));
}
