import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchSlot } from '../../../src/engine/instance/batch-slot.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { Sequence } from '../../../src/engine/instance/sequence.ts';
import { WaitingQueue } from '../../../src/engine/instance/waiting-queue.ts';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { arrive, RecordingListener, smallEngine, type StepLog } from '../small-engine.ts';

interface Situation {
  readonly budget: number;
  readonly maxSeqs?: number;
  readonly capacityBlocks: number;
  readonly running: readonly Sequence[];
  readonly waiting: readonly Sequence[];
}

const BLOCK_TOKENS = 4;

/** Prompt, generated and computed tokens. */
function sequence(id: string, promptTokens: number, generatedTokens: number, computedTokens: number): Sequence {
  const request = { id, inputTokens: promptTokens, content: null, maxTokens: 100, trueOutputTokens: 100 };
  return Object.assign(new Sequence(request, new RecordingListener(), 0), { generatedTokens, computedTokens });
}

function decide({ budget, maxSeqs = 8, capacityBlocks, running, waiting }: Situation): {
  batch: string[];
  preempted: string[];
  admitted: string[];
} {
  const pool = new CountingBlockPool(capacityBlocks, BLOCK_TOKENS);
  const queue = new WaitingQueue<Sequence>();
  const queues = { waiting: queue, swapped: new WaitingQueue<Sequence>(), memory: pool };
  const slot = new BatchSlot(queues, [], true);
  for (const each of [...running, ...waiting]) each.kv = pool.open();
  for (const each of running) {
    assert.ok(each.kv.allocate(each.computedTokens));
    slot.running.push(each);
  }
  for (const each of waiting) queue.push(each);
  vllmV1({ tokenBudget: budget, maxSeqs, reservePrompts: false })(slot);
  const names = (list: readonly Sequence[]): string[] => list.map(({ id }) => id);
  return {
    batch: slot.batch.slice(0, slot.size).map(({ id }, i) => `${id}:${slot.tokens[i]}`),
    preempted: names(slot.preempted),
    admitted: names(slot.running.filter((each) => waiting.includes(each))),
  };
}

describe('one decision', () => {
  test('the running come first, in order, and a partial prefill keeps its place', () => {
    const running = [sequence('partial', 20, 0, 8), sequence('decode', 4, 2, 5)];
    const waiting = [sequence('new', 30, 0, 0)];
    assert.deepEqual(decide({ budget: 16, capacityBlocks: 100, running, waiting }), {
      batch: ['partial:12', 'decode:1', 'new:3'],
      preempted: [],
      admitted: ['new'],
    });
  });

  test('the budget may run out before the running do', () => {
    const running = [sequence('partial', 20, 0, 8), sequence('decode', 4, 2, 5)];
    assert.deepEqual(decide({ budget: 12, capacityBlocks: 100, running, waiting: [] }).batch, ['partial:12']);
  });

  test('the waiting stop at the first that does not fit, though one behind it would', () => {
    const waiting = [sequence('fits', 4, 0, 0), sequence('large', 12, 0, 0), sequence('small', 1, 0, 0)];
    const decision = decide({ budget: 100, capacityBlocks: 3, running: [], waiting });
    assert.deepEqual(decision.admitted, ['fits']);
  });

  test('no more run at once than max_seqs', () => {
    const waiting = [sequence('second', 4, 0, 0), sequence('third', 4, 0, 0)];
    const running = [sequence('first', 4, 1, 4)];
    assert.deepEqual(decide({ budget: 100, maxSeqs: 2, capacityBlocks: 100, running, waiting }).admitted, ['second']);
  });

  test('without memory the last admitted goes, until it suffices; then nobody is admitted, though one would fit', () => {
    // Full: first holds 2 blocks and needs a third, last holds 3: preempting it leaves 2, room for one that waits.
    const running = [sequence('first', 8, 1, 8), sequence('last', 12, 0, 9)];
    const waiting = [sequence('tiny', 1, 0, 0)];
    assert.deepEqual(decide({ budget: 100, capacityBlocks: 5, running, waiting }), {
      batch: ['first:1'],
      preempted: ['last'],
      admitted: [],
    });
  });

  test('several are preempted where one is not enough, the last admitted first', () => {
    const running = [
      sequence('first', 16, 0, 4),
      sequence('b', 4, 1, 4),
      sequence('c', 4, 1, 4),
      sequence('d', 4, 1, 4),
    ];
    const decision = decide({ budget: 100, capacityBlocks: 4, running, waiting: [] });
    assert.deepEqual(decision, { batch: ['first:12'], preempted: ['d', 'c', 'b'], admitted: [] });
  });

  test('the last one is preempted by itself when no one is behind it', () => {
    const running = [sequence('first', 4, 1, 4), sequence('last', 4, 1, 4)];
    // One block free: first takes it, last finds none.
    assert.deepEqual(decide({ budget: 100, capacityBlocks: 3, running, waiting: [] }), {
      batch: ['first:1'],
      preempted: ['last'],
      admitted: [],
    });
  });

  test('requests that hold memory already are before those that were preempted, where it is told so', () => {
    const policy = { tokenBudget: 100, maxSeqs: 1, reservePrompts: false };
    for (const holdersFirst of [true, false]) {
      const pool = new CountingBlockPool(10, BLOCK_TOKENS);
      const queue = new WaitingQueue<Sequence>();
      const [preempted, came] = [sequence('preempted', 4, 2, 0), sequence('came', 4, 0, 3)];
      for (const each of [preempted, came]) {
        each.kv = pool.open();
        queue.push(each);
      }
      assert.ok(came.kv.allocate(4));
      const slot = new BatchSlot({ waiting: queue, swapped: new WaitingQueue<Sequence>(), memory: pool }, [], true);
      vllmV1({ ...policy, holdersFirst })(slot);
      assert.deepEqual(
        slot.running.map(({ id }) => id),
        [holdersFirst ? 'came' : 'preempted'],
      );
    }
  });

  test('a preempted request computes prompt and generated tokens again', () => {
    const waiting = [sequence('again', 10, 5, 0)];
    assert.deepEqual(decide({ budget: 100, capacityBlocks: 4, running: [], waiting }).batch, ['again:15']);
  });
});

/**
 * 6 blocks of 4 tokens, budget 8. A (10 in, 4 out) and B (5 in, 6 out) at 0, C (3 in, 5 out) at 300; an iteration of n
 * tokens takes 100 + 10 n. Worked by hand from the rules.
 */
test('a whole run, worked by hand', async () => {
  const clock = new VirtualClock();
  const log: StepLog[] = [];
  const engine = smallEngine(clock, { capacityBlocks: 6, blockTokens: 4, tokenBudget: 8, maxSeqs: 4 }, log);
  const a = arrive(clock, engine, 0, 10, 4);
  const b = arrive(clock, engine, 0, 5, 6);
  const c = arrive(clock, engine, 300, 3, 5);
  await clock.run(() => false);

  const steps = log.map(({ atUs, tokens, preempted, admitted }) => ({ atUs, tokens, preempted, admitted }));
  assert.deepEqual(steps, [
    { atUs: 0, tokens: [8], preempted: 0, admitted: 1 }, // A's prompt cut at the budget; nothing left for B
    { atUs: 180, tokens: [2, 5], preempted: 0, admitted: 1 }, // the rest of A first, then B
    { atUs: 350, tokens: [1, 1, 3], preempted: 0, admitted: 1 }, // decodes, then C takes the last block
    { atUs: 500, tokens: [1, 1, 1], preempted: 0, admitted: 0 },
    { atUs: 630, tokens: [1, 1], preempted: 1, admitted: 0 }, // A needs a fourth block: C loses its own
    { atUs: 750, tokens: [1, 5], preempted: 0, admitted: 1 }, // A has ended; C again, 3 of prompt and 2 generated
    { atUs: 910, tokens: [1, 1], preempted: 0, admitted: 0 },
    { atUs: 1030, tokens: [1], preempted: 0, admitted: 0 },
  ]);
  assert.deepEqual(a.tokenTimesUs, [350, 500, 630, 750]);
  assert.deepEqual(b.tokenTimesUs, [350, 500, 630, 750, 910, 1030]);
  assert.deepEqual(c.tokenTimesUs, [500, 630, 910, 1030, 1140]);
  assert.deepEqual([a.endUs, b.endUs, c.endUs], [750, 1030, 1140]);
  assert.deepEqual(c.completions, [
    {
      finishReason: 'length',
      inputTokens: 3,
      outputTokens: 5,
      cachedTokens: 0,
      bridgeQueueUs: null,
      phases: { prefill_queue_us: 50, prefill_us: 150, transfer_us: null, decode_queue_us: null, decode_us: 640 },
    },
  ]);
  const nothing = { running: 0, waiting: 0, usedBlocks: 0, hitTokens: 0 };
  assert.deepEqual(engine.load(), {
    ...nothing,
    capacityBlocks: 6,
    capacityTokens: 24,
    preemptions: 1,
    queriedTokens: 18,
    iterations: 8,
    iterationTokens: 34,
  });
});

test('who was preempted is ahead of all who wait', async () => {
  const clock = new VirtualClock();
  const log: StepLog[] = [];
  const engine = smallEngine(clock, { capacityBlocks: 6, blockTokens: 4, tokenBudget: 8, maxSeqs: 4 }, log);
  arrive(clock, engine, 0, 10, 4);
  arrive(clock, engine, 0, 5, 6);
  arrive(clock, engine, 300, 3, 5); // preempted at 630, as above
  arrive(clock, engine, 510, 1, 1); // there before that, and held up by it
  await clock.run(() => false);
  const step = log.find(({ atUs }) => atUs === 750);
  assert.deepEqual(step?.tokens, [1, 5, 1]);
});
