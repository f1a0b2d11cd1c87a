import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { LargeSet } from '../../workloads/large-set.ts';

it('holds what was added and nothing else, however little fits into one set', () =>
  fc.assert(
    fc.property(fc.array(fc.nat(40)), fc.integer({ min: 1, max: 10 }), (values, mostInASet) => {
      const set = new LargeSet<number>(mostInASet);
      const model = new Set<number>();
      for (const value of values) {
        assert.equal(set.has(value), model.has(value));
        set.add(value);
        model.add(value);
      }
      for (let value = 0; value <= 40; value++) assert.equal(set.has(value), model.has(value));
    }),
  ));
