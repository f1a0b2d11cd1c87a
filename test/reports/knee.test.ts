import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type AttainmentPoint, kneeOf } from '../../reports/data/knee.ts';

const curve = (...points: readonly (readonly [number, number])[]): AttainmentPoint[] =>
  points.map(([rateRps, share]) => ({ rateRps, share, requests: 100 }));

test('a curve that is flat and then falls has its knee where it begins to', () => {
  assert.deepEqual(kneeOf(curve([1, 1], [2, 1], [4, 1], [8, 0.5], [16, 0])), [4, 4]);
});

test('points that lie as high are the knee together', () => {
  assert.deepEqual(kneeOf(curve([1, 1], [2, 1], [4, 0.79], [8, 0.5], [16, 0])), [2, 8]);
});

test('fewer than five rates have none, however often they were tried', () => {
  const points = curve([1, 1], [2, 1], [4, 1], [8, 0]);
  assert.equal(kneeOf([...points, ...points]), null);
});

test('neither what hardly falls nor what falls along a straight line has one', () => {
  assert.equal(kneeOf(curve([1, 1], [2, 1], [4, 1], [8, 0.97], [16, 0.92])), null);
  assert.equal(kneeOf(curve([1, 1], [2, 0.75], [4, 0.5], [8, 0.25], [16, 0])), null);
  assert.equal(kneeOf(curve([1, 1], [2, 0.5], [4, 0.2], [8, 0.1], [16, 0])), null);
});

test('one point that is too low by chance does not move it', () => {
  const points = curve([1, 1], [2, 1], [4, 1], [8, 0.5], [16, 0]);
  const low = { rateRps: 1.5, share: 0.6, requests: 1 };
  assert.deepEqual(kneeOf([...points, low]), [4, 4]);
});

test('it lies among the rates, and knows neither their unit nor their order', () => {
  const points = fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 100 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(points, (some) => {
      const all = curve(...some.map(([rate, percent]): [number, number] => [rate, percent / 100]));
      const knee = kneeOf(all);
      assert.deepEqual(kneeOf(all.toReversed()), knee);
      if (knee === null) return;
      assert.ok(knee[0] <= knee[1]);
      for (const end of knee) assert.ok(all.some(({ rateRps }) => rateRps === end));
    }),
  );
});
