import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fluidityIndex, FluidityCollector } from '../../src/metrics/fluidity.ts';
import { exampleRecord } from '../runs/example-records.ts';

const index = (...times: number[]) =>
  fluidityIndex(exampleRecord({ token_times_us: Float64Array.from(times) }), 100_000, 20_000);

test('tokens on their deadlines are fluid, and earliness is saved as slack', () => {
  assert.equal(index(100_000, 120_000, 140_000), 1);
  // 60 ms early, so that one gap may be 20 + 60 ms.
  assert.equal(index(40_000, 120_000), 1);
  // A microsecond more: one met, then floor(80,001 - 60,000 over 20,000) = 1 missed.
  assert.equal(index(40_000, 120_001), 1 - 1 / 2);
});

test('a long gap misses as many deadlines as it spans, and its slack is gone', () => {
  // Met; a gap of 70 ms: floor(70 / 20) = 3 missed; then 20 ms after it is met again: 3 of 5.
  assert.equal(index(100_000, 170_000, 190_000), 1 - 3 / 5);
  // Slack 10 ms; a gap of 70 ms: floor((70 - 10) / 20) = 3 missed; a gap of 25 ms finds no slack: 1 more missed.
  assert.equal(index(90_000, 160_000, 185_000), 1 - 4 / 5);
});

test('a first token that is late misses its own deadline and each TPOT in between', () => {
  // 1 + floor(50 / 20) = 3 missed, then one met.
  assert.equal(index(150_000, 170_000), 1 - 3 / 4);
});

test('over requests: mean and share of at least 0.9, failed ones have 0', () => {
  const collector = new FluidityCollector({ ttft: 100, tpot: 20 });
  collector.add(exampleRecord());
  collector.add(exampleRecord({ outcome: 'cut' }));
  assert.deepEqual(collector.result(), { mean: 0.5, share_at_least_0_9: 0.5 });
  assert.equal(new FluidityCollector({ ttft: 100, tpot: 20 }).result(), null);
});
