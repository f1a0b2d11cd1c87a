import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { cluster, type MemberParts } from '../../../src/engine/cluster/cluster.ts';
import { ROUTERS } from '../../../src/engine/cluster/routers.ts';
import type { SharedCostModel } from '../../../src/engine/cost/cost-model.ts';
import { Device } from '../../../src/engine/hardware/device.ts';
import type { Executor } from '../../../src/engine/hardware/pipeline.ts';
import { Instance } from '../../../src/engine/instance/instance.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { arrive } from '../small-engine.ts';

/** 10 us of arithmetic a token on the whole GPU. */
const COST: SharedCostModel = {
  timeUs: (batch, share = 1) => (10 * batch.newTokens) / share,
  demand: (batch) => ({ arithmeticUs: 10 * batch.newTokens, memoryUs: 0, attentionUs: 0, kvUs: 0 }),
};

test('two batches run at once on shares of one GPU; a new share is that of the next batch', async () => {
  const clock = new VirtualClock();
  const device = new Device(clock, COST);
  const shares = [0.5, 0.25];
  const lanes = shares.map((_, i) => device.lane(() => shares[i] ?? 1));
  const member = (executor: Executor, i: number): MemberParts => ({
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
  for (const atUs of [300, 410]) clock.at(atUs, () => used.push(engine.load().usedBlocks));
  // While its second token is computed.
  clock.at(410, () => void (shares[0] = 1));
  await clock.run(() => false);
  // 20 tokens on a half take 400, one takes 20, and on all of it 10.
  assert.deepEqual(half.tokenTimesUs.map(Math.round), [400, 420, 431, 443]);
  // 10 tokens on a quarter take 400, one takes 40. From 420 on both hold that quarter, and both keep all that they have
  // busy: the second has an eighth of the GPU, the first 7 eighths, and takes 11.43 in place of 10.
  assert.deepEqual(quarter.tokenTimesUs.map(Math.round), [400, 451]);
  assert.deepEqual(used, [5 + 3, 6 + 3]);
  assert.equal(engine.load().usedBlocks, 0);
});
