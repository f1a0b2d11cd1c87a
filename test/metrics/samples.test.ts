import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { countUpTo, nearestRank, Samples } from '../../src/metrics/samples.ts';

const samplesOf = (values: readonly number[]): Samples => {
  const samples = new Samples();
  for (const value of values) samples.push(value);
  return samples;
};

const oneTo = (n: number) => Float64Array.from({ length: n }, (_, i) => i + 1);

/** Whole numbers of every width, and others. */
const number = fc.oneof(
  { weight: 20, arbitrary: fc.nat(3) },
  fc.nat(2 ** 16),
  fc.maxSafeNat(),
  // 0 and -0 have no order.
  fc.double({ noNaN: true }).map((value) => value + 0),
  fc.constantFrom(255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, -1, Infinity),
);

test('samples keep every value, in order of coming and sorted', () => {
  fc.assert(
    fc.property(fc.array(number, { minLength: 100, maxLength: 9000, size: 'max' }), (values) => {
      const samples = samplesOf(values);
      assert.deepEqual([...samples.values()], values);
      const backwards = Uint32Array.from(values.keys()).toReversed();
      assert.deepEqual([...samples.pick(backwards)], values.toReversed());
      assert.deepEqual(
        [...samples.sorted()],
        values.toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 6 },
  );
});

test('a percentile is the smallest value with at least ceil(q n) values at or below it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50)),
      fc.nat(10),
      fc.constantFrom(500, 900, 950, 990, 999),
      (values, missing, permille) => {
        const all = [...values, ...Array.from({ length: missing }, () => Number.POSITIVE_INFINITY)];
        const needed = Math.max(1, Math.ceil((all.length * permille) / 1000));
        const naive = all.toSorted((a, b) => a - b).find((x) => all.filter((other) => other <= x).length >= needed);
        const expected = naive === undefined || naive === Number.POSITIVE_INFINITY ? null : naive;
        assert.equal(nearestRank(samplesOf(values).sorted(), permille, missing), expected);
      },
    ),
  );
});

test('failures stand at the end: p90 of ten is a number with one of them, null with two', () => {
  assert.equal(nearestRank(oneTo(9), 900, 1), 9);
  assert.equal(nearestRank(oneTo(8), 900, 2), null);
  assert.equal(nearestRank(oneTo(10), 900), 9);
  // 0.07 * 100 is 7.000000000000001: a rank computed with fractions would be 8.
  assert.equal(nearestRank(oneTo(100), 70), 7);
  assert.equal(nearestRank(new Float64Array(0), 500), null);
});

test('how many sorted values are at or below one, from whichever place they are sought', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(30), fc.constant(Infinity)), { maxLength: 60 }),
      fc.integer({ min: -1, max: 31 }),
      fc.nat(60),
      (values, value, near) => {
        const expected = values.filter((other) => other <= value).length;
        const sorted = samplesOf(values).sorted();
        for (const place of [undefined, Math.min(near, values.length)])
          for (const each of [sorted, samplesOf([...sorted])]) assert.equal(countUpTo(each, value, place), expected);
      },
    ),
  );
});
