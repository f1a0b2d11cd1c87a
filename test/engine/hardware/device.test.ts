import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { Batch } from '../../../src/engine/cost/batch.ts';
import type { Demand, SharedCostModel } from '../../../src/engine/cost/cost-model.ts';
import { roofline } from '../../../src/engine/cost/roofline.ts';
import { DECAY_FORMS } from '../../../src/engine/cost/share-curve.ts';
import { Device } from '../../../src/engine/hardware/device.ts';
import { GPUS } from '../../../src/engine/hardware/gpus.ts';
import type { Executor } from '../../../src/engine/hardware/pipeline.ts';
import { LLMS } from '../../../src/engine/models/llms.ts';

/** A batch that takes `arithmeticUs / share`, or `memoryUs` on any share, whichever is longer. */
const asked = new Map<Batch, Demand>();
const COST: SharedCostModel = {
  timeUs: (batch, share = 1) =>
    Math.max((asked.get(batch)?.arithmeticUs ?? 0) / share, asked.get(batch)?.memoryUs ?? 0),
  demand: (batch) => asked.get(batch) ?? { arithmeticUs: 0, memoryUs: 0, attentionUs: 0, kvUs: 0 },
};
function asking(arithmeticUs: number, memoryUs: number): Batch {
  const batch = new Batch();
  asked.set(batch, { arithmeticUs, memoryUs, attentionUs: 0, kvUs: 0 });
  return batch;
}

/** When batches end that begin together on lanes of these shares. */
async function ends(...lanes: readonly (readonly [share: number, batch: Batch])[]): Promise<number[]> {
  const clock = new VirtualClock();
  const device = new Device(clock, COST);
  const found: number[] = [];
  for (const [i, [share, batch]] of lanes.entries()) {
    const lane = device.lane(() => share);
    const note = (): void => void (found[i] = clock.now());
    lane.run(COST.timeUs(batch, lane.shareFor(batch)), note, () => undefined, batch);
  }
  await clock.run(() => false);
  return found.map((us) => Math.round(us * 1e6) / 1e6);
}

describe('two batches on one GPU', () => {
  test('do not disturb each other on shares of their own within the bandwidth', async () => {
    assert.deepEqual(await ends([0.5, asking(100, 80)], [0.5, asking(50, 60)]), [200, 100]);
  });

  test('share out by demand the processors that both hold', async () => {
    // Both compute all the time: each gets half of the half that both hold, until the first is through; then the second
    // has its whole share: 1 - 100 / 200 of its 400 us are left, at 1.5 times the speed.
    assert.deepEqual(await ends([0.75, asking(75, 0)], [0.75, asking(300, 0)]), [150, 150 + 400 * (1 - 150 / 600)]);
    // One that only reads asks for as many as keep the bandwidth whole, half: it leaves two thirds of what both hold.
    assert.deepEqual(await ends([1, asking(60, 0)], [1, asking(0, 200)]), [90, 200]);
  });

  test('share the bandwidth that both exceed: one that asks for less than half gets it', async () => {
    assert.deepEqual(await ends([0.5, asking(50, 25)], [0.5, asking(0, 75)]), [100, 100]);
    assert.deepEqual(await ends([0.5, asking(0, 100)], [0.5, asking(0, 100)]), [200, 200]);
  });
});

test('a share is chosen when a batch begins, for what runs beside it, and kept to its end', async () => {
  const clock = new VirtualClock();
  const device = new Device(clock, COST);
  const beside: (Batch | null)[] = [];
  const shares = [0.5, 0.25, 1];
  const choose = (_batch: Batch, other: Batch | null): number => {
    beside.push(other);
    return shares[beside.length - 1] ?? 1;
  };
  const [lane, other] = [device.lane(choose), device.lane(choose)];
  const found: number[] = [];
  const run = (to: Executor, batch: Batch, free: () => void): void =>
    to.run(COST.timeUs(batch, to.shareFor(batch)), () => found.push(clock.now()), free, batch);
  const [first, short, second] = [asking(100, 0), asking(25, 0), asking(100, 0)];
  run(lane, first, () => run(lane, second, () => undefined));
  run(other, short, () => undefined);
  await clock.run(() => false);
  assert.deepEqual(found, [100, 200, 300]);
  assert.deepEqual(beside, [null, first, null]);
});

test('two batches never exceed the peak arithmetic and bandwidth of a GPU, of any model on any GPU, on any curve', async () => {
  const work = fc.record({ chunk: fc.integer({ min: 0, max: 4096 }), contexts: fc.integer({ min: 0, max: 200 }) });
  const share = fc.double({ min: 0.05, max: 1, noNaN: true });
  const gpus = fc.constantFrom(...Object.values(GPUS));
  const llms = fc.constantFrom(...Object.values(LLMS));
  const curves = fc.record({
    saturation: fc.double({ min: 0.01, max: 1, noNaN: true }),
    decay: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5, noNaN: true })),
    form: fc.constantFrom(...DECAY_FORMS),
    bandwidthSaturation: fc.double({ min: 0.01, max: 1, noNaN: true }),
    bandwidthExponent: fc.double({ min: 0, max: 4, noNaN: true }),
  });
  const shared = fc.tuple(fc.tuple(work, work), fc.tuple(share, share), curves);
  await fc.assert(
    fc.asyncProperty(gpus, llms, shared, async (gpu, llm, [works, sharesOf, shareCurve]) => {
      const cost = roofline({
        gpu,
        llm,
        tensorParallel: 1,
        stages: 1,
        hostFixedUs: 0,
        hostPerSequenceUs: 0,
        mixedBatchPenalty: 1,
        shareCurve,
      });
      const clock = new VirtualClock();
      const device = new Device(clock, cost, shareCurve);
      const sum = { arithmeticUs: 0, memoryUs: 0 };
      let lastUs = 0;
      for (const [i, { chunk, contexts }] of works.entries()) {
        const batch = new Batch();
        if (chunk > 0 || contexts === 0) batch.addChunk(chunk + 1, 0, true);
        for (let k = 0; k < contexts; k++) batch.addDecode(1500);
        const lane = device.lane(() => sharesOf[i] ?? 1);
        let left = 5;
        const next = (): void => {
          if (left-- === 0) return;
          const { arithmeticUs, memoryUs } = cost.demand(batch);
          sum.arithmeticUs += arithmeticUs;
          sum.memoryUs += memoryUs;
          lane.run(cost.timeUs(batch, lane.shareFor(batch)), () => (lastUs = clock.now()), next, batch);
        };
        next();
      }
      await clock.run(() => false);
      assert.ok(sum.memoryUs <= lastUs * (1 + 1e-9), 'bandwidth that kernels reach');
      const reached = Math.max(gpu.linearMfu, gpu.attentionMfu);
      assert.ok(sum.arithmeticUs * reached <= lastUs * (1 + 1e-9), 'peak arithmetic');
    }),
    { numRuns: 200 },
  );
});
