import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withDecision, type ReceiverView } from '../../../src/engine/cluster/kv-admission.ts';
import { CountingBlockPool } from '../../../src/engine/kv/counting-block-pool.ts';

/** A receiver that lets in, unless one thing is different. */
const open: ReceiverView = {
  memory: new CountingBlockPool(10, 16),
  waitingBlocks: () => 0,
  waitsForMemory: () => false,
  prefillBlocks: () => 3,
  decision: () => ({ tokens: 7, running: 3, preempted: 0 }),
};

test('vLLM fetches where its last decision would have admitted another request', () => {
  const admits = withDecision({ tokenBudget: 8, maxSeqs: 4 });
  const differing = (one: Partial<ReceiverView>): ReceiverView => ({ ...open, ...one });
  assert.ok(admits(open, 7));
  assert.ok(!admits(open, 8), 'blocks that prompts which run in part have yet to take');
  assert.ok(!admits(differing({ waitsForMemory: () => true }), 1), 'before a preempted request');
  for (const [why, decision] of Object.entries({
    'all places taken': { tokens: 7, running: 4, preempted: 0 },
    'the budget spent': { tokens: 8, running: 3, preempted: 0 },
    'somebody preempted': { tokens: 7, running: 3, preempted: 1 },
  }))
    assert.ok(!admits(differing({ decision: () => decision }), 1), why);
});
