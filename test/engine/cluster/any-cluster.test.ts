import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { ClusterControl, Controller } from '../../../src/engine/cluster/controller.ts';
import type { MovePace } from '../../../src/engine/cluster/kv-receiver.ts';
import { ROUTERS, type Role, type Router } from '../../../src/engine/cluster/routers.ts';
import type { SequenceView } from '../../../src/engine/instance/sequence.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import type { KvCache } from '../../../src/engine/kv/kv-cache.ts';
import { PrefixCachingBlockPool } from '../../../src/engine/kv/prefix-caching-block-pool.ts';
import { RadixCache } from '../../../src/engine/kv/radix-cache.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { PLAIN_TRANSFERS, RecordingListener, testEngine } from '../small-engine.ts';

const CAPACITY_TOKENS = 160;
const PERIOD_US = 70;
const MEMORIES: Readonly<Record<string, () => KvCache>> = {
  counted: () => new CountingBlockPool(CAPACITY_TOKENS / 4, 4),
  'prefix caching': () => new PrefixCachingBlockPool(CAPACITY_TOKENS / 4, 4),
  radix: () => new RadixCache(CAPACITY_TOKENS),
};
const ROUTED: Readonly<Record<string, () => Router>> = {
  'in turn': ROUTERS['round-robin'].create,
  'when idle, and not too many': () => {
    const byRole = ROUTERS['least-requests'].create();
    return (request, instances) => {
      // Held prompts keep their memory: with half of it free whatever waits there can run, and what is held goes on.
      const isRoomy = instances.every(({ memory }) => memory.freeBlocks * 2 >= memory.capacityBlocks);
      if (isRoomy && instances.every((one) => one.requests() > 1))
        return request.ahead < 5 || request.stage === 'decode' ? 'hold' : 'reject';
      return byRole(request, instances);
    };
  },
  'most cached': () => (request, instances) => {
    const cached = instances.map((one) => one.cachedTokens(request));
    return cached.indexOf(Math.max(...cached));
  },
};

const role = fc.constantFrom<Role>('prefill', 'decode', 'both');
const shape = fc.record({
  roles: fc.array(role, { minLength: 2, maxLength: 4 }),
  memory: fc.constantFrom(...Object.keys(MEMORIES)),
  router: fc.constantFrom(...Object.keys(ROUTED)),
  stages: fc.integer({ min: 1, max: 2 }),
  ahead: fc.boolean(),
  pace: fc.constantFrom<MovePace>('as-they-come', 'with-decisions', 'in-turn', 'between-iterations'),
  tokenBudget: fc.integer({ min: 4, max: 60 }),
  repeatsFirstToken: fc.boolean(),
  /** One transfer of so many brings nothing. */
  lost: fc.constantFrom(3, 1e9),
});
/** What the controller does in one period: a role for an instance, or a move of one of its requests. */
const act = fc.record({ from: fc.nat(3), to: fc.nat(3), nth: fc.nat(5), role: fc.option(role, { freq: 3 }) });
const arrival = fc.record({
  atUs: fc.nat(6000),
  inputTokens: fc.integer({ min: 1, max: 60 }),
  outputTokens: fc.integer({ min: 1, max: 20 }),
  pieces: fc.option(fc.array(fc.nat(1), { minLength: 1, maxLength: 8 })),
  cancelAfterUs: fc.option(fc.nat(4000), { freq: 1 }),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;
type Arrival = typeof arrival extends fc.Arbitrary<infer A> ? A : never;

/** A prompt that is preempted while its first chunk runs moves before that batch has ended, and runs elsewhere by then. */
const PREEMPTED_BETWEEN_CHUNKS: readonly [Shape, Act[], Arrival[]] = [
  {
    roles: ['prefill', 'prefill'],
    memory: 'counted',
    router: 'in turn',
    stages: 1,
    ahead: true,
    pace: 'with-decisions',
    tokenBudget: 49,
    repeatsFirstToken: false,
    lost: 3,
  },
  [
    { from: 0, to: 0, nth: 0, role: 'decode' },
    { from: 0, to: 1, nth: 0, role: null },
    ...Array.from({ length: 6 }, () => ({ from: 0, to: 0, nth: 0, role: null })),
    { from: 1, to: 0, nth: 1, role: null },
  ],
  [
    { atUs: 181, inputTokens: 45, outputTokens: 2, pieces: null, cancelAfterUs: null },
    { atUs: 731, inputTokens: 9, outputTokens: 1, pieces: null, cancelAfterUs: null },
    { atUs: 731, inputTokens: 49, outputTokens: 1, pieces: null, cancelAfterUs: null },
    { atUs: 140, inputTokens: 49, outputTokens: 2, pieces: null, cancelAfterUs: null },
    { atUs: 732, inputTokens: 1, outputTokens: 1, pieces: null, cancelAfterUs: null },
  ],
];

/** How often each of these was the case, so that the test cannot miss it. */
const seen = { moved: 0, held: 0, rejected: 0, 'moved twice': 0 };

/** Does what is listed, a period each; then every instance does both, so that all can end. */
function controllerOf({ roles }: Shape, acts: readonly Act[]): Controller {
  let next = 0;
  return {
    periodUs: PERIOD_US,
    act<S extends SequenceView>(cluster: ClusterControl<S>) {
      for (const { memory } of cluster.instances)
        assert.ok(memory.freeBlocks >= 0 && memory.freeBlocks <= memory.capacityBlocks);
      if (cluster.held('prefill') + cluster.held('decode') > 0) seen.held++;
      const one = acts[next++];
      if (one === undefined) {
        for (const at of roles.keys()) cluster.setRole(at, 'both');
        return;
      }
      const [from, to] = [one.from % roles.length, one.to % roles.length];
      if (one.role !== null) cluster.setRole(from, one.role);
      const waiting = Array.from({ length: cluster.waiting(from).length }, (_, i) => cluster.waiting(from).at(i));
      const there = [...cluster.running(from), ...waiting];
      const sequence = there[one.nth % Math.max(1, there.length)];
      if (sequence !== undefined && cluster.move(sequence, to)) seen.moved++;
    },
  };
}

test('any trace, moves and roles: each request ends once with its tokens, phases add up, no memory stays in use', async () => {
  await fc.assert(
    fc.asyncProperty(
      shape,
      fc.array(act, { maxLength: 60, size: 'max' }),
      fc.array(arrival, { minLength: 1, maxLength: 25, size: 'max' }),
      async (of, acts, arrivals) => {
        const clock = new VirtualClock();
        let [steps, transfers] = [0, 0];
        const engine = testEngine(
          { clock, onIteration: () => assert.ok(steps++ < 20_000, 'it goes on and on') },
          {
            policy: () =>
              vllmV1({
                tokenBudget: of.tokenBudget,
                maxSeqs: 4,
                reservePrompts: of.stages > 1,
                wholeMustFit: of.ahead,
                holdersFirst: true,
              }),
            ahead: of.ahead ? { deliversAfterPreemption: true, keepsOverrun: false } : undefined,
            memory: MEMORIES[of.memory] ?? assert.fail(),
            router: ROUTED[of.router]?.() ?? assert.fail(),
            roles: of.roles,
            stages: of.stages,
            repeatsFirstToken: of.repeatsFirstToken,
            transfers: { ...PLAIN_TRANSFERS, pace: of.pace, isLost: () => ++transfers % of.lost === 0 },
            controller: controllerOf(of, acts),
          },
        );
        const all = arrivals.map(({ atUs, inputTokens, outputTokens, pieces, cancelAfterUs }, i) => {
          const one = new RecordingListener();
          const content = pieces === null ? null : { pieces, pieceTokens: 8 };
          clock.at(atUs, () => {
            one.cancel = engine.submit(
              { id: `r${i}`, inputTokens, content, maxTokens: outputTokens, trueOutputTokens: outputTokens },
              one,
            );
          });
          if (cancelAfterUs !== null) clock.at(atUs + cancelAfterUs, () => one.cancel());
          return one;
        });
        await clock.run(() => false);
        const { running, waiting, usedBlocks } = engine.load();
        assert.deepEqual([running, waiting, usedBlocks], [0, 0, 0]);
        for (const [i, one] of all.entries()) checkEnd(one, arrivals[i] ?? assert.fail());
      },
    ),
    { numRuns: 500, examples: [[...PREEMPTED_BETWEEN_CHUNKS]] },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `nothing was ${what}`);
});

function checkEnd(
  { refusals, completions, tokenTimesUs, endUs }: RecordingListener,
  { atUs, outputTokens, cancelAfterUs }: { atUs: number; outputTokens: number; cancelAfterUs: number | null },
): void {
  if (refusals.length > 0) {
    seen.rejected++;
    assert.deepEqual([completions.length, tokenTimesUs.length], [0, 0]);
    return;
  }
  if (completions.length === 0) {
    assert.ok(cancelAfterUs !== null, 'a request never ended');
    return;
  }
  assert.deepEqual([completions.length, tokenTimesUs.length, tokenTimesUs.at(-1)], [1, outputTokens, endUs]);
  for (const [k, timeUs] of tokenTimesUs.entries())
    assert.ok(k === 0 || timeUs > (tokenTimesUs[k - 1] ?? Number.NaN), 'two tokens at a time');
  const phasesUs = Object.values(completions[0]?.phases ?? {}).map((us) => us ?? 0);
  assert.ok(
    phasesUs.every((us) => us >= 0),
    `a phase of ${phasesUs.join(', ')} us`,
  );
  assert.ok(Math.abs(atUs + phasesUs.reduce((sum, us) => sum + us, 0) - endUs) < 1e-6, 'its phases are its time');
  // The longest transfer alone on its link takes 20 us and 10 us for each of 79 tokens.
  if ((completions[0]?.phases.transfer_us ?? 0) > 810) seen['moved twice']++;
}
