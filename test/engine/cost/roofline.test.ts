import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Batch } from '../../../src/engine/cost/batch.ts';
import type { CostModel } from '../../../src/engine/cost/cost-model.ts';
import { expectedExperts, roofline } from '../../../src/engine/cost/roofline.ts';
import { GPUS, type GpuName } from '../../../src/engine/hardware/gpus.ts';
import { LLMS } from '../../../src/engine/models/llms.ts';

/** As `systems/vllm-v1.ts` composes it. */
function model(gpu: GpuName, mixedBatchPenalty = 1): CostModel {
  return roofline({
    gpu: GPUS[gpu],
    llm: LLMS['llama-3.1-8b'],
    tensorParallel: 1,
    stages: 1,
    hostFixedUs: 1200,
    hostPerSequenceUs: 8,
    mixedBatchPenalty,
  });
}

function decodes(count: number, context: number): Batch {
  const batch = new Batch();
  for (let i = 0; i < count; i++) batch.addDecode(context);
  return batch;
}

function prefill(...chunks: readonly (readonly [tokens: number, past: number])[]): Batch {
  const batch = new Batch();
  for (const [tokens, past] of chunks) batch.addChunk(tokens, past, true);
  return batch;
}

function within(ms: number, low: number, high: number): void {
  assert.ok(ms >= low && ms <= high, `${ms} ms is not within ${low}..${high} ms`);
}

describe('plausible where it can be held against measurements', () => {
  test('one decode of llama-3.1-8b: 6.5-7.5 ms on H100, 10.5-12 ms on A100', () => {
    within(model('h100-sxm').timeUs(decodes(1, 500)) / 1000, 6.5, 7.5);
    within(model('a100-sxm-80g').timeUs(decodes(1, 500)) / 1000, 10.5, 12);
  });

  test('a prompt of 2,048 tokens: 40-45 ms on H100, and FLOP-bound on A100 too', () => {
    within(model('h100-sxm').timeUs(prefill([2048, 0])) / 1000, 40, 45);
    within(model('a100-sxm-80g').timeUs(prefill([2048, 0])) / 1000, 130, 150);
  });

  test('a batch of 64 decodes costs little more than one: weights are read once', () => {
    const cost = model('h100-sxm');
    within(cost.timeUs(decodes(64, 500)) / cost.timeUs(decodes(1, 500)), 1.1, 1.6);
  });
});

test('one decode on H100, class by class, by hand', () => {
  const bandwidth = 3.35e12;
  const linearUs = (6_979_321_856 * 2 * 1e6) / (bandwidth * 0.82);
  const headUs = (4096 * 128_256 * 2 * 1e6) / (bandwidth * 0.82);
  const attentionUs = (1000 * 131_072 * 1e6) / (bandwidth * 0.7);
  const expected = linearUs + headUs + attentionUs + 1200 + 8;
  assert.ok(Math.abs(model('h100-sxm').timeUs(decodes(1, 1000)) - expected) < 1e-6);
});

describe('tensor parallelism', () => {
  const on = (gpu: GpuName, tensorParallel: number): CostModel =>
    roofline({
      gpu: GPUS[gpu],
      llm: LLMS['llama-3-70b'],
      tensorParallel,
      stages: 1,
      hostFixedUs: 0,
      hostPerSequenceUs: 0,
      mixedBatchPenalty: 1,
    });

  test('a prompt on eight GPUs takes an eighth, and its all-reduces by the equation', () => {
    const batch = prefill([4096, 0]);
    const ringUs = ((2 * 7) / 8) * 4096 * 8192 * 2 * (1e6 / (450e9 * 0.91));
    const expected = on('h100-sxm', 1).timeUs(batch) / 8 + 2 * 80 * (37 + ringUs);
    assert.ok(Math.abs(on('h100-sxm', 8).timeUs(batch) / expected - 1) < 1e-9);
  });

  test('one all-reduce of 67 MB between eight H100s takes some 322 us, as in the profile', () => {
    const tokens = 67e6 / (8192 * 2);
    const [without, whole] = [1, 8].map((tp) => on('h100-sxm', tp).timeUs(prefill([Math.round(tokens), 0])));
    within(((whole ?? 0) - (without ?? 0) / 8) / 160 / 1000, 0.3, 0.34);
  });

  test('PCIe makes it dear: tp=4 on L40S gains less than on A100', () => {
    const gain = (gpu: GpuName): number =>
      on(gpu, 1).timeUs(prefill([2048, 0])) / on(gpu, 4).timeUs(prefill([2048, 0]));
    within(gain('a100-sxm-80g'), 3.4, 4);
    assert.ok(gain('l40s') < gain('a100-sxm-80g') - 1);
  });
});

describe('mixture of experts', () => {
  const llm = LLMS['mixtral-8x7b'];
  const gpu = GPUS['h100-sxm'];
  const cost = (tensorParallel: number): CostModel =>
    roofline({ gpu, llm, tensorParallel, stages: 1, hostFixedUs: 0, hostPerSequenceUs: 0, mixedBatchPenalty: 1 });
  const expertBytes = 32 * 3 * 4096 * 14336 * 2;
  const weightByteUs = 1e6 / (3.35e12 * 0.82);
  const attentionBytes = 32 * 2 * (4096 * 4096 + 4096 * 1024) * 2;
  const headUs = 4096 * 32000 * 2 * weightByteUs;

  test('one token reads the weights of two experts of eight, eight tokens those of 7.2', () => {
    for (const [tokens, read] of [
      [1, 2],
      [8, 8 * (1 - 0.75 ** 8)],
    ] as const) {
      const kvUs = (tokens * 1000 * 131_072 * 1e6) / (3.35e12 * 0.7);
      const expected = (attentionBytes + read * expertBytes) * weightByteUs + headUs + kvUs;
      assert.ok(Math.abs(cost(1).timeUs(decodes(tokens, 1000)) / expected - 1) < 1e-12);
    }
  });

  test('a long prompt computes with two experts a token', () => {
    const dense = roofline({
      gpu,
      llm: { ...llm, experts: { count: 2, active: 2 } },
      tensorParallel: 1,
      stages: 1,
      hostFixedUs: 0,
      hostPerSequenceUs: 0,
      mixedBatchPenalty: 1,
    });
    const batch = prefill([8192, 0]);
    assert.ok(Math.abs(cost(1).timeUs(batch) / dense.timeUs(batch) - 1) < 1e-12);
  });

  test('experts are read at most once, and their expectation is between one token’s and all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 16 }), (tokens, active) => {
        const read = expectedExperts({ count: 16, active }, tokens);
        assert.ok(read >= active - 1e-9 && read <= 16 && read <= active * tokens + 1e-9);
      }),
    );
  });

  test('two GPUs read half of each expert', () => {
    const batch = decodes(1, 1);
    within((cost(1).timeUs(batch) / 2 + 64 * 37) / cost(2).timeUs(batch), 0.999, 1.001);
  });
});

test('a chunk that does not complete its prompt pays no output head', () => {
  const [partial, whole] = [new Batch(), new Batch()];
  partial.addChunk(512, 0, false);
  whole.addChunk(512, 0, true);
  const cost = model('h100-sxm');
  assert.ok(cost.timeUs(whole) > cost.timeUs(partial));
});

/** How many times as long with a penalty of 1.7. */
function penaltyRatio(batch: Batch): number {
  return model('h100-sxm', 1.7).timeUs(batch) / model('h100-sxm').timeUs(batch);
}

test('the mixed-batch penalty multiplies batches of both phases, and no others', () => {
  const mixed = (): Batch => {
    const batch = decodes(8, 500);
    batch.addChunk(256, 0, true);
    return batch;
  };
  assert.ok(Math.abs(penaltyRatio(mixed()) - 1.7) < 1e-12);
  assert.equal(penaltyRatio(decodes(8, 500)), 1);
  assert.equal(penaltyRatio(prefill([256, 0])), 1);
});

test('more work never takes less time', () => {
  const chunk = fc.tuple(fc.integer({ min: 1, max: 8192 }), fc.nat(100_000));
  const cost = model('a100-sxm-80g');
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 40 }),
      chunk,
      (chunks, contexts, more) => {
        const batch = prefill(...chunks);
        for (const context of contexts) batch.addDecode(context);
        const before = cost.timeUs(batch);
        batch.addDecode(more[0]);
        const between = cost.timeUs(batch);
        batch.addChunk(more[0], more[1], true);
        assert.ok(before > 0 && between > before && cost.timeUs(batch) > between);
      },
    ),
  );
});

test('a batch is empty again after clear', () => {
  const batch = prefill([100, 20]);
  batch.addDecode(50);
  batch.clear();
  assert.deepEqual({ ...batch, sequences: batch.sequences }, { ...new Batch(), sequences: 0 });
});

test('a share of the GPU has its speeds of arithmetic and bandwidth; links and host take what they took', () => {
  // Half of the arithmetic on a half, a quarter of the bandwidth on a quarter.
  const shareCurve = {
    saturation: 1,
    decay: 0,
    form: 'reciprocal',
    bandwidthSaturation: 1,
    bandwidthExponent: 1,
  } as const;
  const options = { gpu: GPUS['h100-sxm'], llm: LLMS['llama-3.1-8b'], stages: 1, mixedBatchPenalty: 1, shareCurve };
  const cost = (tensorParallel: number, hostFixedUs: number) =>
    roofline({ ...options, tensorParallel, hostFixedUs, hostPerSequenceUs: 0 });
  const near = (us: number, expected: number): void => assert.ok(Math.abs(us - expected) < 1e-6, `${us}, ${expected}`);
  for (const batch of [decodes(8, 500), prefill([2048, 0])]) {
    const wholeUs = cost(1, 0).timeUs(batch);
    near(cost(1, 0).timeUs(batch, 0.25), 4 * wholeUs);
    near(cost(1, 1000).timeUs(batch, 0.25), 4 * wholeUs + 1000);
    // What all-reduces take is the same at any share.
    const [all, half, quarter] = [1, 0.5, 0.25].map((share) => cost(8, 0).timeUs(batch, share));
    assert.ok(all !== undefined && half !== undefined && quarter !== undefined);
    near(quarter - half, 2 * (half - all));
    assert.ok(half < 2 * all);
  }
});
