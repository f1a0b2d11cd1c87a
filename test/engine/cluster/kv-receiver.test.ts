import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { distserveDecode, distservePrefill } from '../../../src/engine/policies/distserve.ts';
import { pullBelow } from '../../../src/engine/cluster/kv-admission.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import type { KvCache } from '../../../src/engine/kv/kv-cache.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { KvReceiver } from '../../../src/engine/cluster/kv-receiver.ts';
import { MemoryWaits } from '../../../src/engine/cluster/memory-waits.ts';
import { pipeline } from '../../../src/engine/hardware/pipeline.ts';
import { Instance } from '../../../src/engine/instance/instance.ts';
import { Sequence } from '../../../src/engine/instance/sequence.ts';
import { arrive, PLAIN_COST, PLAIN_TRANSFERS, RecordingListener, testEngine } from '../small-engine.ts';
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

describe('full instances that hand over to each other do not wait for ever', () => {
  /** Each prompt is computed where its request begins, and decoded at the next instance, which is full by then. */
  const ring = (instances: number, memory: () => KvCache) => async (): Promise<RecordingListener[]> => {
    const clock = new VirtualClock();
    const engine = testEngine(
      { clock },
      {
        policy: () => vllmV1({ tokenBudget: 100, maxSeqs: 8, reservePrompts: false, holdersFirst: true }),
        memory,
        roles: Array.from({ length: instances }, () => 'prefill' as const),
        router: ({ stage, promptTokens }) => (promptTokens + (stage === 'decode' ? 1 : 0)) % instances,
        transfers: PLAIN_TRANSFERS,
      },
    );
    const all = Array.from({ length: instances }, (_, i) => arrive(clock, engine, 0, 30 + i, 3));
    await clock.run(() => false);
    const { running, waiting, usedBlocks } = engine.load();
    assert.deepEqual([running, waiting, usedBlocks], [0, 0, 0]);
    return all;
  };
  const blocks = (): KvCache => new CountingBlockPool(10, 4);

  test('two, worked by hand: the one that came last gives up what it holds, and is computed again', async () => {
    const [first, second] = await ring(2, blocks)();
    // Both prompts are computed, the shorter at 400, and wait for each other from 410 on. The second gives up its blocks
    // at 1, and is computed again at 0 once the first, which moves for 20 + 300 us, has left it.
    assert.deepEqual(first?.tokenTimesUs, [400, 840, 950]);
    assert.deepEqual(second?.tokenTimesUs, [410, 1150, 1260]);
  });

  for (const instances of [3, 6])
    test(`a ring of ${instances}`, async () => {
      for (const one of await ring(instances, blocks)())
        assert.deepEqual([one.completions.length, one.tokenTimesUs.length], [1, 3]);
    });
});

test('what moves has room for all that it computes next, or it could wait in memory that it needs itself', () => {
  const clock = new VirtualClock();
  const instance = (name: string): Instance =>
    new Instance({
      name,
      clock,
      memory: new CountingBlockPool(40, 4),
      executor: pipeline(clock, 1),
      cost: PLAIN_COST,
      policy: () => () => undefined,
    });
  /** Blocks where it goes, of a request with a prompt of 60 tokens. */
  const blocksOf = (state: { computedTokens: number; generatedTokens: number }): number => {
    const [from, to] = [instance('from'), instance('to')];
    const request = { id: 'A', inputTokens: 60, content: null, maxTokens: 9, trueOutputTokens: 9 };
    const sequence = Object.assign(new Sequence(request, new RecordingListener(), 0), state);
    sequence.kv = from.memory.open(sequence);
    sequence.kv.allocate(state.computedTokens);
    const { computedTokens } = sequence;
    new KvReceiver(clock, to, PLAIN_TRANSFERS, new MemoryWaits()).offer(sequence, from, computedTokens);
    return to.memory.capacityBlocks - to.memory.freeBlocks;
  };
  assert.deepEqual(
    [
      { computedTokens: 30, generatedTokens: 0 }, // between two chunks: its whole prompt
      { computedTokens: 42, generatedTokens: 1 }, // the same after a preemption: and the token that it had
      { computedTokens: 59, generatedTokens: 0 }, // the last token of its prompt is computed once more
      { computedTokens: 60, generatedTokens: 1 }, // decoding: what it decodes next takes a block when it runs
    ].map(blocksOf),
    [15, 16, 15, 15],
  );
});
