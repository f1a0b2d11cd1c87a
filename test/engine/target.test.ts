import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import type { ScheduledRequest, Sink } from '../../src/core/target.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, engineTarget, parseEngineSpec } from '../../src/engine/index.ts';
import { smallEngine } from './small-engine.ts';

function planned(index: number, inputTokens: number, outputTokens: number): ScheduledRequest {
  return scheduledByTrace(index, { id: `r${index}`, traceRow: index + 2, dueUs: 0, inputTokens, outputTokens });
}

function recordingSink(calls: unknown[][]): Sink {
  return {
    sent: (...args) => calls.push(['sent', ...args]),
    tokens: (...args) => calls.push(['tokens', ...args]),
    end: (...args) => calls.push(['end', ...args]),
    fail: (...args) => calls.push(['fail', ...args]),
    fault: (...args) => calls.push(['fault', ...args]),
  };
}

const ANSWER = {
  httpStatus: 200,
  reasoningTokens: null,
  countSource: 'token_ids',
  cachedTokens: 0,
  finishReason: 'length',
};

test('reports what the engine does, in order, on the engine clock', async () => {
  const clock = new VirtualClock();
  const engine = smallEngine(clock, { capacityBlocks: 10, blockTokens: 4, tokenBudget: 8, maxSeqs: 4 });
  const target = engineTarget(engine, clock, null);
  const calls: unknown[][] = [];
  clock.at(1000, () => target.send(planned(3, 4, 2), recordingSink(calls)));
  await clock.run(() => false);
  const phases = { prefill_queue_us: 0, prefill_us: 140, transfer_us: null, decode_queue_us: null, decode_us: 110 };
  assert.deepEqual(calls, [
    ['sent', 3, 1000, null],
    ['tokens', 3, 1140, 1],
    ['tokens', 3, 1250, 1],
    ['end', 3, 1250, { ...ANSWER, inputTokens: 4, outputTokens: 2, phases }],
  ]);
});

test('a request that can never be served is rejected at once, as a server does', async () => {
  const clock = new VirtualClock();
  const target = engineTarget(createEngine(parseEngineSpec('max_model_len=1000'), { clock }), clock, null);
  const calls: unknown[][] = [];
  target.send(planned(0, 900, 101), recordingSink(calls));
  target.send(planned(1, 0, 5), recordingSink(calls));
  target.send(planned(2, 5, 0), recordingSink(calls));
  const nothing = {
    ...ANSWER,
    httpStatus: 400,
    countSource: null,
    cachedTokens: null,
    finishReason: null,
    inputTokens: null,
    outputTokens: null,
    phases: null,
  };
  assert.deepEqual(calls, [
    ['sent', 0, 0, null],
    [
      'fail',
      0,
      0,
      'rejected',
      "This model's maximum context length is 1000 tokens: 900 of the prompt and 101 to generate are too many.",
      nothing,
    ],
    ['sent', 1, 0, null],
    ['fail', 1, 0, 'rejected', 'The prompt is empty: at least one token is needed.', nothing],
    ['sent', 2, 0, null],
    ['fail', 2, 0, 'rejected', 'max_tokens must be at least 1, got 0.', nothing],
  ]);
});

test('a request larger than the whole KV memory is rejected, and one that just fits is served', async () => {
  const clock = new VirtualClock();
  const target = engineTarget(
    smallEngine(clock, { capacityBlocks: 2, blockTokens: 4, tokenBudget: 8, maxSeqs: 4 }),
    clock,
    null,
  );
  const calls: unknown[][] = [];
  target.send(planned(0, 6, 3), recordingSink(calls));
  target.send(planned(1, 6, 2), recordingSink(calls));
  await clock.run(() => false);
  assert.match(String(calls[1]?.[4]), /needs 3 KV blocks for 9 tokens, and there are 2/);
  assert.equal(calls.at(-1)?.[0], 'end');
});

test('nothing more is heard of a request that was cancelled', async () => {
  const clock = new VirtualClock();
  const engine = smallEngine(clock, { capacityBlocks: 10, blockTokens: 4, tokenBudget: 8, maxSeqs: 4 });
  const target = engineTarget(engine, clock, null);
  const calls: unknown[][] = [];
  target.send(planned(0, 4, 8), recordingSink(calls));
  clock.at(300, () => target.cancel(0));
  await clock.run(() => false);
  target.cancel(0);
  assert.deepEqual(
    calls.map((call) => call[0]),
    ['sent', 'tokens', 'tokens'],
  );
  assert.equal(engine.load().usedBlocks, 0);
});
