import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CostModel } from '../../../src/engine/cost/cost-model.ts';
import { randomStream, uniform } from '../../../src/core/random.ts';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { WallClock } from '../../../src/core/wall-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { arrive, smallEngine, type RecordingListener } from '../small-engine.ts';

describe('cancelling', () => {
  const small = { capacityBlocks: 4, blockTokens: 4, tokenBudget: 8, maxSeqs: 1 };

  test('frees memory at once while waiting, in prefill, in decode and after the end', async () => {
    const clock = new VirtualClock();
    const engine = smallEngine(clock, small);
    const prefilling = arrive(clock, engine, 0, 12, 4);
    const waiting = arrive(clock, engine, 0, 4, 4);
    const decoding = arrive(clock, engine, 500, 4, 8);
    const loads: number[][] = [];
    const note = (): void => {
      const { running, waiting: queued, usedBlocks } = engine.load();
      loads.push([running, queued, usedBlocks]);
    };
    clock.at(50, () => {
      note();
      waiting.cancel();
      note();
      prefilling.cancel();
      prefilling.cancel();
      note();
    });
    clock.at(700, () => {
      note();
      assert.equal(decoding.tokenTimesUs.length, 1);
      decoding.cancel();
      note();
    });
    await clock.run(() => false);
    decoding.cancel();
    note();
    assert.deepEqual(loads, [
      [1, 1, 2],
      [1, 0, 2],
      [0, 0, 0],
      [1, 0, 2],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  test('from within a token is obeyed, the last one included', async () => {
    for (const outputTokens of [1, 3]) {
      const clock = new VirtualClock();
      const engine = smallEngine(clock, small);
      const one = arrive(clock, engine, 0, 4, outputTokens);
      const hear = one.tokens.bind(one);
      one.tokens = (timeUs, count) => {
        hear(timeUs, count);
        one.cancel();
      };
      await clock.run(() => false);
      assert.deepEqual([one.tokenTimesUs.length, one.completions.length], [1, 0]);
      assert.equal(engine.load().usedBlocks, 0);
    }
  });

  test('does not shorten the iteration under way', async () => {
    const clock = new VirtualClock();
    const engine = smallEngine(clock, small);
    const gone = arrive(clock, engine, 0, 8, 1);
    const next = arrive(clock, engine, 10, 8, 1);
    clock.at(20, () => gone.cancel());
    await clock.run(() => false);
    assert.deepEqual(next.tokenTimesUs, [360]);
  });
});

test('all that arrive while it is idle, at the very same time, are in the first iteration', async () => {
  const clock = new VirtualClock();
  const engine = smallEngine(clock, { capacityBlocks: 10, blockTokens: 4, tokenBudget: 8, maxSeqs: 4 });
  const one = arrive(clock, engine, 1000, 4, 1);
  const other = arrive(clock, engine, 1000, 4, 1);
  await clock.run(() => false);
  assert.deepEqual([one.tokenTimesUs, other.tokenTimesUs], [[1180], [1180]]);
});

test('an output may end before its maximum', async () => {
  const clock = new VirtualClock();
  const engine = smallEngine(clock, { capacityBlocks: 10, blockTokens: 4, tokenBudget: 8, maxSeqs: 4 });
  const one = arrive(clock, engine, 1e6, 1, 1); // its listener, for a request of our own
  engine.submit({ id: 'one', inputTokens: 4, content: null, maxTokens: 9, trueOutputTokens: 2 }, one);
  await clock.run(() => one.completions.length > 0);
  assert.deepEqual([one.completions[0]?.finishReason, one.completions[0]?.outputTokens], ['stop', 2]);
});

/** M/D/1 by the recursion of Lindley (1952): W' = max(0, W + service - gap). */
test('one at a time with fixed lengths, every TTFT is as Lindley has it', async () => {
  const random = randomStream(1, 'lindley');
  const clock = new VirtualClock();
  const serviceUs = 100 + 10 * 64;
  const engine = smallEngine(clock, { capacityBlocks: 1000, blockTokens: 16, tokenBudget: 64, maxSeqs: 1 });
  let atUs = 0;
  let waitUs = 0;
  const expected: { readonly heard: RecordingListener; readonly firstUs: number }[] = [];
  for (let i = 0; i < 5000; i++) {
    // Uniform gaps with a mean of service / 0.9.
    const gapUs = (uniform(random) * 2 * serviceUs) / 0.9;
    atUs += gapUs;
    waitUs = i === 0 ? 0 : Math.max(0, waitUs + serviceUs - gapUs);
    expected.push({ heard: arrive(clock, engine, atUs, 64, 1), firstUs: atUs + waitUs + serviceUs });
  }
  await clock.run(() => false);
  assert.ok(
    expected.some(({ heard }) => (heard.completions[0]?.phases.prefill_queue_us ?? 0) > 5 * serviceUs),
    'no queue',
  );
  for (const { heard, firstUs } of expected) assert.ok(Math.abs((heard.tokenTimesUs[0] ?? Number.NaN) - firstUs) < 1);
});

/** A machine that is late makes tokens late on the wire, and no iteration late on the clock. */
test('real time gives exactly the times of virtual time', async () => {
  const times: number[][][] = [];
  for (const clock of [new VirtualClock(), new WallClock()]) {
    const engine = createEngine(parseEngineSpec(''), { clock });
    const heard = Array.from({ length: 10 }, (_, i) => arrive(clock, engine, 20_000 + i * 7000, 100 * i + 1, 5));
    await clock.run(() => heard.every((one) => one.completions.length > 0));
    times.push(heard.map((one) => one.tokenTimesUs));
  }
  assert.deepEqual(times[1], times[0]);
});

test('the cost model is told of chunks with their past, and of decodes with their context', async () => {
  const clock = new VirtualClock();
  const seen: unknown[] = [];
  const cost: CostModel = {
    timeUs(batch) {
      const { chunkTokens, chunkPast, decodes, decodeContextTokens, newTokens, sampledTokens } = batch;
      seen.push([[...chunkTokens], [...chunkPast], decodes, decodeContextTokens, newTokens, sampledTokens]);
      return 100;
    },
  };
  const engine = smallEngine(clock, { capacityBlocks: 100, blockTokens: 4, tokenBudget: 8, maxSeqs: 4, cost });
  arrive(clock, engine, 0, 9, 3); // its last chunk is one token, and no decode
  arrive(clock, engine, 0, 12, 1);
  await clock.run(() => false);
  assert.deepEqual(seen, [
    [[8], [0], 0, 0, 8, 0],
    [[1, 7], [8, 0], 0, 0, 8, 1],
    [[5], [7], 1, 10, 6, 2],
    [[], [], 1, 11, 1, 1],
  ]);
});
