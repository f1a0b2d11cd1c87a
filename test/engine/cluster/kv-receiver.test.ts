import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { distserveDecode, distservePrefill } from '../../../src/engine/policies/distserve.ts';
import { pullBelow } from '../../../src/engine/cluster/kv-admission.ts';
import { arrive } from '../small-engine.ts';
import { smallDisaggregated, type SmallDisaggregated } from '../systems/small-disaggregated.ts';

/** Blocks of 4 tokens; one instance of each kind, 8 blocks where it decodes. */
const PARTS: SmallDisaggregated = {
  blockTokens: 4,
  prefill: { count: 1, capacityBlocks: 100, policy: () => distservePrefill({ batchSize: 8, batchTokens: 100 }) },
  decode: { count: 1, capacityBlocks: 8, policy: () => distserveDecode({ batchSize: 4, countsTwice: false }) },
  admission: pullBelow(0.05),
};

describe('cancelled, a request frees what it holds on both sides at once', () => {
  /** When the last of three equal ones is given up, and the blocks that it holds then: `distserve.test.ts` has the run. */
  const PHASES = {
    'while its prompt is computed': [100, 2],
    'while it waits to be fetched': [350, 2],
    'while it moves': [550, 4],
    'while it waits where it decodes': [615, 2],
    'while it decodes': [700, 2],
    'while it is swapped': [1000, 0],
  } as const;

  for (const [phase, [atUs, blocks]] of Object.entries(PHASES))
    test(phase, async () => {
      const clock = new VirtualClock();
      const engine = smallDisaggregated(clock, PARTS, () => undefined);
      const others = [arrive(clock, engine, 0, 7, 13), arrive(clock, engine, 0, 7, 10)];
      const gone = arrive(clock, engine, 0, 7, 3);
      clock.at(atUs, () => {
        const before = engine.load();
        gone.cancel();
        const after = engine.load();
        assert.equal(before.usedBlocks - after.usedBlocks, blocks);
        assert.equal(before.running + before.waiting - after.running - after.waiting, 1);
      });
      await clock.run(() => false);
      assert.deepEqual(
        others.map(({ completions, tokenTimesUs }) => [completions.length, tokenTimesUs.length]),
        [
          [1, 13],
          [1, 10],
        ],
      );
      assert.equal(gone.completions.length, 0);
      const { running, waiting, usedBlocks } = engine.load();
      assert.deepEqual([running, waiting, usedBlocks], [0, 0, 0]);
    });
});

test('when one is given up on its way, the next is fetched, though nothing runs where it decodes', async () => {
  const clock = new VirtualClock();
  const engine = smallDisaggregated(clock, PARTS, () => undefined);
  const gone = arrive(clock, engine, 0, 7, 2); // moves from 240 to 330
  const next = arrive(clock, engine, 0, 7, 2);
  clock.at(300, () => gone.cancel());
  await clock.run(() => false);
  assert.deepEqual(next.tokenTimesUs, [240, 300 + 90 + 110]);
});

test('those that wait never fill the memory so that none of them can run', async () => {
  const clock = new VirtualClock();
  const engine = smallDisaggregated(clock, { ...PARTS, admission: pullBelow(1) }, () => undefined);
  // Their prompts are 4 blocks each, and the next token of either needs a fifth.
  const both = [arrive(clock, engine, 0, 16, 2), arrive(clock, engine, 0, 16, 2)];
  await clock.run(() => false);
  // The first moves from 420 to 600 and has 5 of 8 blocks; the second moves once it has ended.
  assert.deepEqual(
    both.map(({ tokenTimesUs }) => tokenTimesUs),
    [
      [420, 710],
      [420, 710 + 180 + 110],
    ],
  );
});
