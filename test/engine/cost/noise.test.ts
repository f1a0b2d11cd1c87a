import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../src/engine/cost/batch.ts';
import type { CostModel } from '../../../src/engine/cost/cost-model.ts';
import { noisy } from '../../../src/engine/cost/noise.ts';

const flat: CostModel = { timeUs: () => 1000 };

function draws(count: number, cost: CostModel): number[] {
  const batch = new Batch();
  return Array.from({ length: count }, () => cost.timeUs(batch));
}

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, deviation: Math.sqrt(variance) };
}

test('without noise it is the model itself', () => {
  assert.equal(noisy(flat, { perIteration: 0, perRun: 0, seed: 1, instance: '0' }), flat);
});

test('iterations have mean 1 and the deviation asked for', () => {
  const n = 100_000;
  const { mean, deviation } = moments(draws(n, noisy(flat, { perIteration: 0.1, perRun: 0, seed: 1, instance: '0' })));
  // Four standard errors; the deviation of a lognormal with sigma 0.1 is 0.10025.
  assert.ok(Math.abs(mean / 1000 - 1) < (4 * 0.1) / Math.sqrt(n), `${mean}`);
  assert.ok(Math.abs(deviation / 1000 - 0.10025) < (4 * 0.1) / Math.sqrt(2 * n), `${deviation}`);
});

test('one factor holds for a whole run, and another for another seed', () => {
  const factors = Array.from({ length: 4000 }, (_, seed) => {
    const [first = 0, ...others] = draws(3, noisy(flat, { perIteration: 0, perRun: 0.05, seed, instance: '0' }));
    assert.deepEqual(others, [first, first]);
    return first;
  });
  const { mean, deviation } = moments(factors);
  assert.ok(Math.abs(mean / 1000 - 1) < (4 * 0.05) / Math.sqrt(4000), `${mean}`);
  assert.ok(Math.abs(deviation / 50 - 1) < 0.06, `${deviation}`);
});

test('the same seed gives the same bits, on every machine', () => {
  const noise = { perIteration: 0.03, perRun: 0.02, seed: 7, instance: '0' };
  assert.deepEqual(draws(50, noisy(flat, noise)), draws(50, noisy(flat, noise)));
  assert.deepEqual(draws(3, noisy(flat, noise)), [886.3898635532894, 978.1939274305121, 939.5750375204613]);
});

test('the factor of a run moves no draw of its iterations', () => {
  const alone = draws(20, noisy(flat, { perIteration: 0.03, perRun: 0, seed: 7, instance: '0' }));
  const both = draws(20, noisy(flat, { perIteration: 0.03, perRun: 0.02, seed: 7, instance: '0' }));
  const ratio = (both[0] ?? 0) / (alone[0] ?? 1);
  for (const [i, value] of both.entries()) assert.ok(Math.abs(value / (alone[i] ?? 0) / ratio - 1) < 1e-12);
});
