import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ascendingOrder } from '../../src/metrics/ascending-order.ts';

const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true }),
  fc.constantFrom(-Infinity, Infinity),
);

test('places are in order of the columns, one after another, and else as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { maxLength: 300 }), (rows) => {
      const [first, second] = [0, 1].map((column) => Float64Array.from(rows, (row) => row[column] ?? 0));
      assert.ok(first !== undefined && second !== undefined);
      const apart = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
      const naive = [...rows.keys()].toSorted(
        (a, b) => apart(first[a] ?? 0, first[b] ?? 0) || apart(second[a] ?? 0, second[b] ?? 0) || a - b,
      );
      assert.deepEqual([...ascendingOrder(first, second)], naive);
    }),
  );
  assert.deepEqual([...ascendingOrder()], []);
});
