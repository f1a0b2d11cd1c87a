import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BlockPool } from '../../../src/engine/kv/block-pool.ts';

test('a request holds whole blocks for its tokens', () => {
  const pool = new BlockPool(10, 16);
  const holder = { heldBlocks: 0 };
  pool.grow(holder, 1);
  assert.equal(holder.heldBlocks, 1);
  pool.grow(holder, 16);
  assert.equal(holder.heldBlocks, 1);
  pool.grow(holder, 17);
  assert.deepEqual([holder.heldBlocks, pool.usedBlocks, pool.freeBlocks], [2, 2, 8]);
  pool.release(holder);
  assert.deepEqual([holder.heldBlocks, pool.usedBlocks, pool.freeBlocks], [0, 0, 10]);
});

test('any interleaving: never over capacity, none leaked, a refusal changes nothing', () => {
  const action = fc.record({ who: fc.nat(5), tokens: fc.nat(60), release: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(action),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 8 }),
      (actions, capacity, blockTokens) => {
        const pool = new BlockPool(capacity, blockTokens);
        const holders = Array.from({ length: 6 }, () => ({ heldBlocks: 0 }));
        for (const { who, tokens, release } of actions) {
          const holder = holders[who] ?? { heldBlocks: 0 };
          const before = holder.heldBlocks;
          const wanted = Math.max(before, Math.ceil(tokens / blockTokens));
          if (release) pool.release(holder);
          else if (wanted - before <= pool.freeBlocks) pool.grow(holder, tokens);
          else assert.throws(() => pool.grow(holder, tokens), RangeError);
          assert.equal(
            holder.heldBlocks,
            release ? 0 : wanted - before <= pool.freeBlocks + (holder.heldBlocks - before) ? wanted : before,
          );
          const held = holders.reduce((sum, each) => sum + each.heldBlocks, 0);
          assert.equal(held + pool.freeBlocks, capacity);
          assert.ok(pool.freeBlocks >= 0 && pool.usedBlocks === held);
        }
        for (const holder of holders) pool.release(holder);
        assert.equal(pool.freeBlocks, capacity);
      },
    ),
  );
});
