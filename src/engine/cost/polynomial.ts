import type { Batch } from './batch.ts';
import type { SharedCostModel } from './cost-model.ts';
import { phaseCost } from './phase-cost.ts';
import type { ShareCurve } from './share-curve.ts';
import { LARGE_BATCH, type Fit, type PolynomialFits } from './polynomial-fits.ts';

/** Milliseconds that each stage of the pipeline adds to every stage of a prefill. */
const PREFILL_STAGE_MS = 1;
/** Remote calls between DistServe's processes: milliseconds per iteration, and per token of prompt or context in it. */
const CALL_MS = 2;
const CALL_PER_TOKEN_MS = 1e-4;

/**
 * Time of a batch as in DistServe's simulator (OSDI '24, simdistserve): quadratic in prompts, linear in context, with
 * other coefficients for large decode batches. Two things are choices of Reprise, as DistServe's engines do neither: a
 * chunk of l tokens after p has the square l^2 + 2pl, so that a prompt's chunks add up to the whole; and a batch of
 * both phases takes the time of one after the other, times `mixedBatchPenalty`. The time is that of one of `stages`
 * pipeline stages.
 */
export function polynomial(
  fits: PolynomialFits,
  mixedBatchPenalty: number,
  stages: number,
  curve?: ShareCurve,
): SharedCostModel {
  return phaseCost(
    {
      prefillMs: (batch) => prefill(fits.prefill, batch, stages),
      decodeMs: (batch) => decode(fits, batch, stages),
      fixedMs: CALL_MS,
      mixedBatchPenalty,
    },
    curve,
  );
}

function prefill([a, b, c]: Fit, { chunkTokens, chunkPast }: Batch, stages: number): number {
  let tokens = 0;
  let squares = 0;
  for (let i = 0; i < chunkTokens.length; i++) {
    const length = chunkTokens[i] ?? 0;
    tokens += length;
    squares += length * (length + 2 * (chunkPast[i] ?? 0));
  }
  return (a + b * tokens + c * squares) / stages + PREFILL_STAGE_MS * stages + CALL_PER_TOKEN_MS * tokens;
}

/** The fits count each context with its new token, the calls without (DistServe's rules). */
function decode({ decodeSmall, decodeLarge }: PolynomialFits, batch: Batch, stages: number): number {
  const { decodes, decodeContextTokens } = batch;
  const [a, b, c] = decodes < LARGE_BATCH ? decodeSmall : decodeLarge;
  return (a + b * decodeContextTokens + c * decodes) / stages + CALL_PER_TOKEN_MS * (decodeContextTokens - decodes);
}
