import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { cluster, type MemberParts } from '../../../src/engine/cluster/cluster.ts';
import { ROUTERS } from '../../../src/engine/cluster/routers.ts';
import type { CostModel } from '../../../src/engine/cost/cost-model.ts';
import { Device, type Lane } from '../../../src/engine/hardware/device.ts';
import { Instance } from '../../../src/engine/instance/instance.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { arrive } from '../small-engine.ts';

/** 100 us of the host, and 10 us a token on the whole GPU. */
const COST: CostModel = { timeUs: (batch, share = 1) => 100 + (10 * batch.newTokens) / share };

test('two batches run at once on shares of one GPU, timed for them; what is shared out twice slows down both', async () => {
  const clock = new VirtualClock();
  const device = new Device(clock);
  const lanes = [device.lane(0.5), device.lane(0.25)];
  const member = (executor: Lane, i: number): MemberParts => ({
    role: 'both',
    create: (hooks) =>
      new Instance({
        name: String(i),
        clock,
        executor,
        cost: COST,
        policy: () => vllmV1({ tokenBudget: 100, maxSeqs: 8, reservePrompts: false }),
        memory: new CountingBlockPool(10, 4),
        ...hooks,
      }),
  });
  const router = ROUTERS['round-robin'].create();
  const engine = cluster({ clock, maxModelLen: 100, members: lanes.map(member), router });
  const [half, quarter] = [arrive(clock, engine, 0, 20, 4), arrive(clock, engine, 0, 10, 2)];
  const used: number[] = [];
  for (const atUs of [400, 550]) clock.at(atUs, () => used.push(engine.load().usedBlocks));
  // From here on 1.25 of the GPU are shared out while both run.
  clock.at(560, () => lanes[0]?.setShare(1));
  await clock.run(() => false);
  const rounded = (timesUs: readonly number[]) => timesUs.map((us) => Math.round(us * 1000) / 1000);
  // 20 tokens on a half take 100 + 400, one takes 120. Half of that is left at 560: 30 on the whole, 37.5 while the other
  // runs. The third takes 110, of which 62.5 are slowed down: 50 are done by 660.
  assert.deepEqual(rounded(half.tokenTimesUs), [500, 597.5, 720, 830]);
  // 10 tokens on a quarter take 100 + 400, one takes 140: 80 are left at 560, and take 100.
  assert.deepEqual(rounded(quarter.tokenTimesUs), [500, 660]);
  assert.deepEqual(used, [5 + 3, 6 + 3]);
  assert.equal(engine.load().usedBlocks, 0);
});
