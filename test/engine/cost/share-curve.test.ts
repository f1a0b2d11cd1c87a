import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Batch } from '../../../src/engine/cost/batch.ts';
import type { SharedCostModel } from '../../../src/engine/cost/cost-model.ts';
import { COSTS } from '../../../src/engine/cost/presets.ts';
import { roofline } from '../../../src/engine/cost/roofline.ts';
import { DECAY_FORMS, NEXUS_CURVE, speedsBy } from '../../../src/engine/cost/share-curve.ts';
import { surfaceThrough } from '../../../src/engine/cost/surface.ts';
import { table } from '../../../src/engine/cost/table.ts';
import { GPUS } from '../../../src/engine/hardware/gpus.ts';
import { LLMS } from '../../../src/engine/models/llms.ts';

const HOST = { hostFixedUs: 0, hostPerSequenceUs: 0 };
const whole = { tensorParallel: 1, stages: 1, mixedBatchPenalty: 1, ...HOST };
const surface = surfaceThrough([
  { sequences: 1, tokens: 100, ms: 10 },
  { sequences: 8, tokens: 4000, ms: 90 },
]);
const OTHERS: readonly SharedCostModel[] = [
  COSTS.distserve.create({ model: 'opt-13b', gpu: 'a100-sxm-80g', tp: 1, pp: 1, mixedBatchPenalty: 1.1, ...HOST }),
  table(surface, surface, 1.1),
];
/** Every model on every GPU, and what has no operators. */
const COST_MODELS: readonly SharedCostModel[] = [
  ...Object.values(GPUS).flatMap((gpu) => Object.values(LLMS).map((llm) => roofline({ gpu, llm, ...whole }))),
  ...OTHERS,
];

function batchOf(chunks: readonly (readonly [tokens: number, past: number])[], contexts: readonly number[]): Batch {
  const batch = new Batch();
  for (const [tokens, past] of chunks) batch.addChunk(tokens, past, true);
  for (const context of contexts) batch.addDecode(context);
  return batch;
}

const shares = fc.double({ min: 0.01, max: 1, noNaN: true });
const batches = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 0, max: 9000 })), { maxLength: 3 }),
    fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 20 }),
  )
  .filter(([chunks, contexts]) => chunks.length + contexts.length > 0)
  .map(([chunks, contexts]) => batchOf(chunks, contexts));

describe('the time on a share of a GPU', () => {
  test('is that of the GPU on all of it, and never rises with the share, of every model on every GPU', () => {
    fc.assert(
      fc.property(batches, shares, shares, (batch, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        for (const cost of COST_MODELS) {
          assert.equal(cost.timeUs(batch, 1), cost.timeUs(batch));
          assert.ok(cost.timeUs(batch, less) >= cost.timeUs(batch, more) * (1 - 1e-12));
          assert.ok(cost.timeUs(batch, more) >= cost.timeUs(batch, 1) * (1 - 1e-12));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('is at least what the batch asks of arithmetic and of memory', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        for (const cost of COST_MODELS) {
          const { arithmeticUs, memoryUs } = cost.demand(batch);
          assert.ok(cost.timeUs(batch) >= Math.max(arithmeticUs, memoryUs) * (1 - 1e-12));
        }
      }),
      { numRuns: 30 },
    );
  });

  test('falls as Nexus measured it (section 3.2), within a third', () => {
    const cost = roofline({ gpu: GPUS.l20, llm: LLMS['llama-3.1-8b'], ...whole });
    const prompt = batchOf([[2048, 0]], []);
    const decodes = batchOf(
      [],
      Array.from({ length: 16 }, () => 1000),
    );
    const fall = (batch: Batch, from: number, to: number): number =>
      1 - cost.timeUs(batch, to) / cost.timeUs(batch, from);
    const near = (found: number, published: number): void =>
      assert.ok(Math.abs(found / published - 1) < 1 / 3, `${found} against ${published}`);
    near(fall(prompt, 0.3, 0.4), 0.25);
    near(fall(prompt, 0.7, 0.8), 0.1);
    near(fall(decodes, 0.3, 0.4), 0.1);
    for (const from of [0.5, 0.6, 0.7, 0.8, 0.9]) assert.ok(fall(decodes, from, from + 0.1) < 0.03);
  });
});

test('both forms of the decay are whole at 1 and never fall', () => {
  const curve = fc.record({
    saturation: fc.double({ min: 0.05, max: 1, noNaN: true }),
    decay: fc.double({ min: 0, max: 5, noNaN: true }),
    form: fc.constantFrom(...DECAY_FORMS),
    bandwidthSaturation: fc.double({ min: 0.05, max: 1, noNaN: true }),
    bandwidthExponent: fc.double({ min: 0.05, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(curve, shares, shares, (of, a, b) => {
      const speeds = speedsBy(of);
      assert.deepEqual(speeds(1), { arithmetic: 1, bandwidth: 1 });
      const [slow, fast] = [speeds(Math.min(a, b)), speeds(Math.max(a, b))];
      for (const what of ['arithmetic', 'bandwidth'] as const) {
        assert.ok(slow[what] > 0 && slow[what] <= fast[what] * (1 + 1e-12));
        assert.ok(fast[what] <= 1 + 1e-12);
      }
    }),
  );
  const [reciprocal, exponential] = DECAY_FORMS.map((form) => speedsBy({ ...NEXUS_CURVE, form })(0.4).arithmetic);
  assert.equal(reciprocal, 0.5);
  assert.ok(Math.abs((exponential ?? 0) - 1 / Math.E) < 1e-12);
});
