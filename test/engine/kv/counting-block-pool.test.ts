import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';

test('a request holds whole blocks for its tokens', () => {
  const pool = new CountingBlockPool(10, 16);
  const allocation = pool.open();
  for (const [tokens, blocks] of [
    [1, 1],
    [16, 1],
    [17, 2],
    [3, 2], // never fewer
  ] as const) {
    assert.ok(allocation.allocate(tokens));
    assert.deepEqual([allocation.blocks, pool.freeBlocks], [blocks, 10 - blocks]);
  }
  assert.deepEqual([allocation.blocksNeeded(32), allocation.blocksNeeded(33)], [0, 1]);
  allocation.release();
  assert.deepEqual([allocation.blocks, pool.freeBlocks], [0, 10]);
});

test('any interleaving: never over capacity, none leaked, a refusal changes nothing', () => {
  const action = fc.record({ who: fc.nat(5), tokens: fc.nat(60), release: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(action),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 8 }),
      (actions, capacity, blockTokens) => {
        const pool = new CountingBlockPool(capacity, blockTokens);
        const allocations = Array.from({ length: 6 }, () => pool.open());
        for (const { who, tokens, release } of actions) {
          const allocation = allocations[who] ?? pool.open();
          const before = allocation.blocks;
          const free = pool.freeBlocks;
          const needed = allocation.blocksNeeded(tokens);
          if (release) allocation.release();
          else assert.equal(allocation.allocate(tokens), needed <= free);
          assert.equal(allocation.blocks, release ? 0 : needed <= free ? before + needed : before);
          const held = allocations.reduce((sum, each) => sum + each.blocks, 0);
          assert.equal(held + pool.freeBlocks, capacity);
          assert.ok(pool.freeBlocks >= 0);
        }
        for (const allocation of allocations) allocation.release();
        assert.equal(pool.freeBlocks, capacity);
      },
    ),
  );
});
