import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { InstanceView, RoutedRequest } from '../../../src/engine/cluster/routers.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import { PrefixCachingBlockPool } from '../../../src/engine/kv/prefix-caching-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { arrive, runTrace, testEngine, type TestEngineParts } from '../small-engine.ts';

/** Two instances of 10 blocks of 4 tokens; an iteration takes 100 us and 10 us a token. */
const PARTS: TestEngineParts = {
  policy: () => vllmV1({ tokenBudget: 100, maxSeqs: 8, reservePrompts: false }),
  memory: () => new CountingBlockPool(10, 4),
  roles: ['both', 'both'],
};

/** To an instance that is idle, of which two may be waited for, if it has memory for the prompt. */
function whenIdle(
  { ahead, promptTokens }: RoutedRequest,
  instances: readonly InstanceView[],
): number | 'hold' | 'reject' {
  const idle = instances.findIndex((one) => one.requests() === 0 && one.memory.freeBlocks * 4 >= promptTokens);
  if (idle !== -1 && ahead === 0) return idle;
  return ahead < 2 ? 'hold' : 'reject';
}

test('a router holds requests until an instance is idle, and rejects those that are too many', async () => {
  const clock = new VirtualClock();
  const engine = testEngine({ clock }, { ...PARTS, router: whenIdle });
  const [a, b] = [arrive(clock, engine, 0, 10, 2), arrive(clock, engine, 0, 20, 1)];
  const [held, cancelled] = [arrive(clock, engine, 50, 10, 1), arrive(clock, engine, 60, 10, 1)];
  const rejected = arrive(clock, engine, 70, 10, 1);
  const loads: (readonly number[])[] = [];
  const note = (): void => {
    const { running, waiting, usedBlocks } = engine.load();
    loads.push([running, waiting, usedBlocks]);
  };
  clock.at(80, () => (note(), cancelled.cancel(), note()));
  const later = arrive(clock, engine, 90, 10, 1);
  clock.at(305, note);
  await clock.run(() => false);
  // A has 3 blocks and B 5. C goes where B was, at 300, and the last one where A was, at 310.
  assert.deepEqual(loads, [
    [2, 2, 8],
    [2, 1, 8],
    [2, 1, 6],
  ]);
  assert.deepEqual(
    [a, b, held, later].map((one) => one.tokenTimesUs),
    [[200, 310], [300], [500], [510]],
  );
  assert.equal(held.completions[0]?.phases.prefill_queue_us, 250);
  assert.deepEqual(rejected.refusals, ['503 No instance takes the request at this time.']);
  assert.deepEqual([cancelled.tokenTimesUs, cancelled.refusals, engine.load().usedBlocks], [[], [], 0]);
});

test('a router sees how much of a prompt each instance has cached', async () => {
  const router = (request: RoutedRequest, instances: readonly InstanceView[]): number => {
    const cached = instances.map((one) => one.cachedTokens(request));
    return cached.indexOf(Math.max(...cached)) + (Math.max(...cached) === 0 && request.arrivalUs > 0 ? 1 : 0);
  };
  const memory = () => new PrefixCachingBlockPool(10, 4);
  const row = (id: string, atUs: number, pieces: readonly number[]) => ({
    id,
    atUs,
    inputTokens: 12,
    outputTokens: 1,
    content: { pieces, pieceTokens: 4 },
  });
  const { entries } = await runTrace(
    (context) => testEngine(context, { ...PARTS, memory, router }),
    [row('A', 0, [1, 2, 3]), row('B', 1000, [7, 8, 9]), row('C', 2000, [1, 2, 9]), row('D', 3000, [7, 8, 9])],
  );
  const ran = entries.map(({ instance, prefill }) => [instance, prefill[0]?.id, prefill[0]?.past]);
  assert.deepEqual(ran, [
    ['0', 'A', 0],
    ['1', 'B', 0],
    ['0', 'C', 8],
    ['1', 'D', 8],
  ]);
});

test('a router that holds a request while all instances are idle is at fault', async () => {
  const clock = new VirtualClock();
  arrive(clock, testEngine({ clock }, { ...PARTS, router: () => 'hold' }), 0, 10, 2);
  await assert.rejects(
    clock.run(() => false),
    /holds requests while all instances are idle/,
  );
});
