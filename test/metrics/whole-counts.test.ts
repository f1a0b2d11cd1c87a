import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WholeCounts } from '../../src/metrics/whole-counts.ts';

const values = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.nat(50) },
    fc.nat(2 ** 21),
    fc.integer({ min: 2 ** 20 - 2, max: 2 ** 20 + 2 }),
    fc.nat(2 ** 40),
    fc.double({ min: 0, max: 100, noNaN: true }),
  ),
  { maxLength: 60 },
);
const countsOf = (all: readonly number[]): WholeCounts => {
  const counts = new WholeCounts();
  for (const value of all) counts.push(value);
  return counts;
};

test('counted values are those in ascending order, of one and of two together', () => {
  fc.assert(
    fc.property(values, values, (some, others) => {
      const all = [...some, ...others].toSorted((a, b) => a - b);
      for (const counts of [countsOf([...some, ...others]), countsOf(some).with(countsOf(others))]) {
        const { n, sum, at } = counts.sorted();
        assert.equal(n, all.length);
        assert.deepEqual(
          Array.from({ length: n + 1 }, (_, index) => at(index)),
          [...all, null],
        );
        assert.ok(Math.abs(sum - all.reduce((total, value) => total + value, 0)) <= sum * 1e-12);
      }
    }),
    { seed: 3, numRuns: 5 },
  );
});

test('whole values have an exact sum, in whatever order', () => {
  const all = Array.from({ length: 5000 }, (_, i) => (i * 7919) % 100_003);
  const sum = all.reduce((total, value) => total + value, 0);
  assert.equal(countsOf(all).sorted().sum, sum);
  assert.equal(countsOf(all.toReversed()).sorted().sum, sum);
});
