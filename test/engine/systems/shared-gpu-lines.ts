import assert from 'node:assert/strict';
import { cluster } from '../../../src/engine/cluster/cluster.ts';
import { ROUTERS } from '../../../src/engine/cluster/routers.ts';
import type { SharedCostModel } from '../../../src/engine/cost/cost-model.ts';
import { Device } from '../../../src/engine/hardware/device.ts';
import { Instance } from '../../../src/engine/instance/instance.ts';
import type { IterationEntry, IterationWatch } from '../../../src/engine/instance/iteration-log.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import type { Shares } from '../../../src/engine/policies/nexus-shares.ts';
import { byArrivalTime, sharedDecode, sharedPrefill, shortestFirst } from '../../../src/engine/policies/shared-gpu.ts';
import { chunksOf, rowsOf, type Asked } from '../iterations.ts';
import { runTrace } from '../small-engine.ts';

/** On the whole GPU 10 us a token of a prompt, and 100 us for any decodes; both compute. */
export const COST: SharedCostModel = {
  timeUs: (batch, share = 1) => (batch.decodes > 0 ? 100 : 10 * batch.newTokens) / share,
  demand: (batch) => ({
    arithmeticUs: batch.decodes > 0 ? 100 : 10 * batch.newTokens,
    memoryUs: 0,
    attentionUs: 0,
    kvUs: 0,
  }),
};

type WatchedShares = Shares & { readonly watch?: IterationWatch };

interface Setting {
  readonly cost?: SharedCostModel;
  readonly blocks?: number;
  readonly ageing?: number | null;
  readonly budget?: number;
  readonly shares?: (kvUse: () => number, now: () => number) => WatchedShares;
}

/** When, which phase, `A+8@2` or who decodes, and how long, of each iteration. */
export async function linesOf(requests: Readonly<Record<string, Asked>>, setting: Setting = {}) {
  const { cost = COST, blocks = 1000, ageing = 0, budget = 100 } = setting;
  const { shares: createShares = (): WatchedShares => ({ prefill: () => 1, decode: () => 1 }) } = setting;
  const { entries, heard, engine } = await runTrace(({ clock, onIteration }) => {
    const memory = new CountingBlockPool(blocks, 1);
    const { watch, ...shares } = createShares(
      () => 1 - memory.freeBlocks / memory.capacityBlocks,
      () => clock.now(),
    );
    const device = new Device(clock, cost);
    const policies = {
      prefill: sharedPrefill({
        tokenBudget: budget,
        maxSeqs: 100,
        rank: ageing === null ? byArrivalTime : shortestFirst(ageing),
      }),
      decode: sharedDecode({ maxSeqs: 100 }),
    };
    return cluster({
      clock,
      maxModelLen: 10_000,
      router: ROUTERS['round-robin'].create(),
      members: (['prefill', 'decode'] as const).map((role) => ({
        role,
        create: (hooks) =>
          new Instance({
            name: role,
            clock,
            memory,
            executor: device.lane(shares[role]),
            cost,
            policy: () => policies[role],
            onIteration: (...iteration) => {
              watch?.(...iteration);
              onIteration?.(...iteration);
            },
            ...hooks,
          }),
      })),
    });
  }, rowsOf(requests));
  assert.equal(engine.load().usedBlocks, 0);
  const tokenTimesUs = Object.fromEntries(Object.entries(heard).map(([id, one]) => [id, one.tokenTimesUs]));
  return { lines: entries.map(lineOf), entries, tokenTimesUs };
}

const lineOf = (entry: IterationEntry) =>
  [
    entry.begin_us,
    entry.instance === 'prefill' ? chunksOf(entry) : entry.decode.join(' '),
    Math.round(entry.stage_us),
  ] as const;
