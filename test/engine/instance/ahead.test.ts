import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { addHostOverhead } from '../../../src/engine/cost/host-overhead.ts';
import type { CostModel } from '../../../src/engine/cost/cost-model.ts';
import { logIterations, type IterationEntry } from '../../../src/engine/instance/iteration-log.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { RecordingListener, runTrace, testEngine, type Row } from '../small-engine.ts';

const TEN_MS: CostModel = { timeUs: () => 10_000 };
const AHEAD = { deliversAfterPreemption: true, keepsOverrun: false };

interface Asked {
  readonly ahead: boolean;
  readonly cost?: CostModel;
  readonly capacityBlocks?: number;
  readonly maxSeqs?: number;
}

async function run({ ahead, cost = TEN_MS, capacityBlocks = 1000, maxSeqs = 8 }: Asked, rows: readonly Row[]) {
  return runTrace(
    (context) =>
      testEngine(context, {
        policy: () => vllmV1({ tokenBudget: 1000, maxSeqs, reservePrompts: false }),
        memory: () => new CountingBlockPool(capacityBlocks, 4),
        cost,
        ahead: ahead ? AHEAD : undefined,
      }),
    rows,
  );
}

const row = (id: string, atUs: number, inputTokens: number, outputTokens: number, maxTokens = outputTokens): Row => ({
  id,
  atUs,
  inputTokens,
  outputTokens,
  maxTokens,
});

/** Who runs in each iteration, and how it begins: `12 A B`. */
const linesOf = (entries: readonly IterationEntry[]): string[] =>
  entries.map(({ begin_us, prefill, decode }) =>
    [begin_us / 1000, ...prefill.map(({ id, tokens }) => `${id}+${tokens}`), ...decode].join(' '),
  );

describe('batches of 10 ms, one request decoding since 0', () => {
  for (const [atMs, aheadMs, behindMs] of [
    [25, 50, 40],
    [58, 80, 70],
  ] as const)
    test(`one that arrives at ${atMs} has its first token at ${aheadMs} ms where batches are decided ahead, else at ${behindMs}`, async () => {
      const rows = [row('A', 0, 10, 20), row('B', atMs * 1000, 10, 2)];
      for (const [ahead, firstMs] of [
        [true, aheadMs],
        [false, behindMs],
      ] as const) {
        const { heard } = await run({ ahead }, rows);
        assert.equal(heard['B']?.tokenTimesUs[0], firstMs * 1000);
        assert.deepEqual(
          heard['A']?.tokenTimesUs,
          Array.from({ length: 20 }, (_, i) => (i + 1) * 10_000),
        );
      }
    });
});

test('one that ends at its maximum keeps its place for one batch; one that ends before is computed once more', async () => {
  const rows = [row('A', 0, 4, 2), row('B', 0, 4, 2, 9), row('C', 5000, 4, 1)];
  const { entries, heard, engine } = await run({ ahead: true, maxSeqs: 2 }, rows);
  assert.deepEqual(linesOf(entries), ['0 A+4 B+4', '10 A B', '20 B', '30 C+4']);
  // Decided at 20, when both had ended; the batch that began then was decided at 10, when neither had.
  assert.deepEqual([heard['A']?.endUs, heard['B']?.endUs, heard['C']?.endUs], [20_000, 20_000, 40_000]);
  assert.equal(heard['B']?.tokenTimesUs.length, 2);
  assert.equal(engine.load().usedBlocks, 0);
});

test('a preempted request still gets the token in flight, and only then it is admitted again', async () => {
  // Two blocks of 4 tokens each, and one that is free: A and B both need it for their fifth token.
  const rows = [row('A', 0, 4, 6), row('B', 0, 4, 6)];
  const { entries, heard } = await run({ ahead: true, capacityBlocks: 3 }, rows);
  const [first] = entries.filter(({ preempted }) => preempted.length > 0);
  assert.deepEqual([first?.begin_us, first?.preempted, first?.decode], [10_000, ['B'], ['A']]);
  // Its token of the prompt came out at 10 ms, of the batch that ran while B was preempted.
  assert.equal(heard['B']?.tokenTimesUs[0], 10_000);
  assert.deepEqual(
    [heard['A']?.tokenTimesUs.length, heard['B']?.tokenTimesUs.length, heard['B']?.completions.length],
    [6, 6, 1],
  );
});

test('where such a token is lost, it is computed again', async () => {
  const rows = [row('A', 0, 4, 6), row('B', 0, 4, 6)];
  const clock = new VirtualClock();
  const entries: IterationEntry[] = [];
  const engine = testEngine(
    { clock, onIteration: logIterations((entry) => entries.push(entry)) },
    {
      policy: () => vllmV1({ tokenBudget: 1000, maxSeqs: 8, reservePrompts: false }),
      memory: () => new CountingBlockPool(3, 4),
      cost: TEN_MS,
      ahead: { deliversAfterPreemption: false, keepsOverrun: false },
    },
  );
  const heard = rows.map(({ id, inputTokens, outputTokens }) => {
    const one = new RecordingListener();
    engine.submit({ id, inputTokens, content: null, maxTokens: outputTokens, trueOutputTokens: outputTokens }, one);
    return one;
  });
  await clock.run(() => false);
  assert.ok((heard[1]?.tokenTimesUs[0] ?? 0) > 10_000);
  assert.deepEqual(
    heard.map(({ tokenTimesUs }) => tokenTimesUs.length),
    [6, 6],
  );
});

describe('the host’s work', () => {
  const nothing = { arithmeticUs: 0, memoryUs: 0, attentionUs: 0, kvUs: 0 };
  const withHost = (hostFixedUs: number): CostModel =>
    addHostOverhead({ ...TEN_MS, demand: () => nothing }, { hostFixedUs, hostPerSequenceUs: 0 });
  const timesOf = async (ahead: boolean, hostUs: number) =>
    (await run({ ahead, cost: withHost(hostUs) }, [row('A', 0, 4, 3)])).heard['A']?.tokenTimesUs;

  test('is waited for in each iteration, or, ahead, in the first after a pause alone', async () => {
    assert.deepEqual(await timesOf(false, 1000), [11_000, 22_000, 33_000]);
    assert.deepEqual(await timesOf(true, 1000), [11_000, 21_000, 31_000]);
  });

  test('sets the pace where it takes longer than the GPU', async () => {
    assert.deepEqual(await timesOf(true, 15_000), [25_000, 40_000, 55_000]);
  });
});
