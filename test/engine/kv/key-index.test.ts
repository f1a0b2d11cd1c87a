import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { KeyIndex } from '../../../src/engine/kv/key-index.ts';

test('any order of naming and forgetting: the block that has had a key for longest is found, as in a list', () => {
  const BLOCKS = 12;
  // Few keys that share their places in the table, at its end too, and some that cannot be looked for.
  const key = fc.constantFrom(1, 2, 2 + 2 ** 32, 2 + 2 ** 40, 31, 31 + 2 ** 33, 63, 2 ** 53, -5);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(BLOCKS - 1), key), { maxLength: 60 }), (actions) => {
      const index = new KeyIndex(BLOCKS);
      let named: { block: number; key: number }[] = [];
      for (const [block, wanted] of actions) {
        if (named.some((each) => each.block === block)) {
          index.dropKey(block);
          named = named.filter((each) => each.block !== block);
        } else {
          index.setKey(block, wanted);
          named.push({ block, key: wanted });
        }
        for (const each of named) {
          assert.equal(index.keyOf(each.block), each.key);
          if (each.key > 0) assert.equal(index.find(each.key), named.find((one) => one.key === each.key)?.block);
        }
        assert.equal(index.find(wanted), named.find((one) => one.key === wanted && wanted > 0)?.block ?? -1);
      }
    }),
    { numRuns: 500 },
  );
});
