import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { ClusterControl, Controller } from '../../../src/engine/cluster/controller.ts';
import type { SequenceView } from '../../../src/engine/instance/sequence.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { rowsOf } from '../iterations.ts';
import { arrive, PLAIN_TRANSFERS, runTrace, testEngine, type TestEngineParts } from '../small-engine.ts';
import { lineOf } from '../systems/small-disaggregated.ts';

/** Makes the second instance decode when three requests are at the third, and moves the first of them there. */
const relief: Controller = {
  periodUs: 100,
  act<S extends SequenceView>(cluster: ClusterControl<S>) {
    const [, second, third] = cluster.instances;
    const [longest] = cluster.running(2);
    if (second?.role !== 'prefill' || longest === undefined || (third?.requests() ?? 0) < 3) return;
    cluster.setRole(1, 'decode');
    assert.ok(cluster.move(longest, 1));
  },
};

/** 20 blocks of 4 tokens each; an iteration takes 100 us and 10 us a token, a transfer 20 us and 10 us a token. */
test('a prefill instance becomes a decode one under load, worked by hand', async () => {
  const { entries, heard, engine } = await runTrace(
    (context) =>
      testEngine(context, {
        policy: () => vllmV1({ holdersFirst: true, tokenBudget: 100, maxSeqs: 8, reservePrompts: false }),
        memory: () => new CountingBlockPool(20, 4),
        roles: ['prefill', 'prefill', 'decode'],
        transfers: PLAIN_TRANSFERS,
        controller: relief,
      }),
    rowsOf({
      A: [0, 8, 6],
      B: [10, 8, 4],
      C: [20, 8, 3],
      D: [200, 8, 3],
      E: [310, 8, 3],
      F: [320, 8, 3],
      G: [700, 8, 2],
    }),
  );
  assert.deepEqual(entries.map(lineOf), [
    ['0', 0, 180, 'A+8@0', '', '', 18, 0],
    ['1', 10, 180, 'B+8@0', '', '', 18, 0],
    // A moves from 180 to 280: two blocks here until then, and two at the third instance.
    ['0', 180, 180, 'C+8@0', '', '', 16, 0],
    ['1', 200, 180, 'D+8@0', '', '', 16, 0],
    ['2', 280, 110, '', 'A', '', 15, 0],
    ['0', 360, 180, 'E+8@0', '', '', 16, 0],
    ['1', 380, 180, 'F+8@0', '', '', 16, 0],
    // At 400 the controller sees A and B there, and C and D on their way.
    ['2', 390, 120, '', 'A B', '', 10, 0],
    // A has left with the end of its batch, and moves until 630: three blocks at both ends.
    ['2', 510, 130, '', 'B C D', '', 8, 0],
    // F stays where its prompt was computed. E is on its way here from 540 to 640.
    ['1', 560, 110, '', 'F', '', 12, 0],
    ['2', 640, 130, '', 'B C D', '', 11, 0],
    ['1', 670, 130, '', 'F A E', '', 11, 0],
    // Only the first computes prompts by now.
    ['0', 700, 180, 'G+8@0', '', '', 18, 0],
    ['1', 800, 120, '', 'A E', '', 14, 0],
    // A takes a fourth block; G moves from 880 to 980.
    ['1', 920, 110, '', 'A', '', 14, 0],
    ['1', 1030, 110, '', 'G', '', 17, 0],
  ]);
  assert.deepEqual(heard['A']?.tokenTimesUs, [180, 390, 510, 800, 920, 1030]);
  const phases = (id: string) => Object.values(heard[id]?.completions[0]?.phases ?? {});
  // Two transfers; it waited for 40 us after the second, and decoded for 230 and 360.
  assert.deepEqual(phases('A'), [0, 180, 100 + 120, 40, 590]);
  assert.deepEqual(phases('F'), [60, 180, null, null, 240]);
  const { running, waiting, usedBlocks } = engine.load();
  assert.deepEqual([running, waiting, usedBlocks], [0, 0, 0]);
});

describe('a controller', () => {
  const parts: TestEngineParts = {
    policy: () => vllmV1({ holdersFirst: true, tokenBudget: 100, maxSeqs: 8, reservePrompts: false }),
    memory: () => new CountingBlockPool(20, 4),
  };

  test('acts at multiples of its period while a request is in the cluster, and keeps no run alive', async () => {
    const clock = new VirtualClock();
    const actsUs: number[] = [];
    const engine = testEngine(
      { clock },
      { ...parts, controller: { periodUs: 100, act: ({ nowUs }) => actsUs.push(nowUs) } },
    );
    const both = [arrive(clock, engine, 50, 10, 1), arrive(clock, engine, 10_000, 1, 2)];
    await clock.run(() => false);
    assert.deepEqual(
      both.map(({ tokenTimesUs }) => tokenTimesUs),
      [[250], [10_110, 10_220]],
    );
    assert.deepEqual(actsUs, [100, 200, 10_100, 10_200]);
    assert.equal(clock.now(), 10_300);
  });

  test('that leaves a prompt held whose memory another request waits for is at fault too', async () => {
    const clock = new VirtualClock();
    const engine = testEngine(
      { clock },
      {
        ...parts,
        roles: ['prefill'],
        router: ({ stage }) => (stage === 'decode' ? 'hold' : 0),
        controller: { periodUs: 100, act: () => undefined },
      },
    );
    // 20 blocks of 4 tokens: the second has no room for its prompt beside the first.
    arrive(clock, engine, 0, 60, 2);
    arrive(clock, engine, 0, 60, 2);
    await assert.rejects(
      clock.run(() => false),
      /leaves requests held for 1000 periods/,
    );
  });

  test('that leaves requests held for 1,000 periods, and nothing else, is at fault', async () => {
    const clock = new VirtualClock();
    const controller = { periodUs: 100, act: () => undefined };
    arrive(clock, testEngine({ clock }, { ...parts, roles: ['decode'], controller }), 0, 10, 1);
    await assert.rejects(
      clock.run(() => false),
      /leaves requests held for 1000 periods/,
    );
    assert.equal(clock.now(), 100 * 1001);
  });
});
