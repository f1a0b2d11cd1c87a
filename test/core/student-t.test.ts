import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { studentT975 } from '../../src/core/student-t.ts';

test('the 97.5 % points of published tables', () => {
  const published = [
    [2, 4.302653],
    [3, 3.182446],
    [4, 2.776445],
    [5, 2.570582],
    [6, 2.446912],
    [9, 2.262157],
    [10, 2.228139],
    [15, 2.13145],
    [16, 2.119905],
    [19, 2.093024],
    [20, 2.085963],
    [30, 2.042272],
    [40, 2.021075],
    [60, 2.000298],
    [120, 1.97993],
  ] as const;
  for (const [df, t] of published) assert.ok(Math.abs(studentT975(df) - t) < 3e-6, `${df}: ${studentT975(df)}`);
});

test('between whole degrees of freedom it falls, and never below the normal point', () => {
  const degrees = fc.double({ min: 2, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(degrees, fc.double({ min: 1.01, max: 2, noNaN: true }), (df, factor) => {
      const t = studentT975(df);
      assert.ok(t > 1.9599639 && t < 4.3026528, `${df}: ${t}`);
      // Where the two ways meet they differ by a few millionths.
      assert.ok(studentT975(df * factor) < t + 5e-6, `${df}: ${t}`);
    }),
  );
});

test('the same bits on every machine', () => {
  assert.deepEqual([studentT975(2.5), studentT975(31.25)], [3.574654866847019, 2.038852319321683]);
});
