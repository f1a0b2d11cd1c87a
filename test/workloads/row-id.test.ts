import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { rowId } from '../../workloads/row-id.ts';

test('the name of a row is r and its number', () => {
  const edges = fc.constantFrom(0, 9, 99, 999, 1000, 1001, 9999, 10_000, 999_999, 1_000_000, Number.MAX_SAFE_INTEGER);
  fc.assert(
    fc.property(fc.oneof(fc.nat(20_000), fc.maxSafeNat(), edges), (seq) => assert.equal(rowId(seq), `r${seq}`)),
  );
});
