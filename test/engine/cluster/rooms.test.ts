import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { PdEndpoints } from '../../../src/engine/engine.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { RecordingListener, whenFree } from '../small-engine.ts';
import { smallDisaggregated } from '../systems/small-disaggregated.ts';

const LIMITS = { tokenBudget: 100, maxSeqs: 8, reservePrompts: false };
const HOLD_US = 1000;
type Side = 'prefill' | 'decode';

/**
 * Blocks of 4 tokens, 8 where prompts are computed, 10 where the rest is decoded. An iteration takes 100 us and 10 us a
 * token, a transfer 20 us and 10 us a token.
 */
function small(instances = 1) {
  const clock = new VirtualClock();
  const engine = smallDisaggregated(
    clock,
    {
      blockTokens: 4,
      prefill: { count: instances, capacityBlocks: 8, policy: () => vllmV1(LIMITS) },
      decode: { count: instances, capacityBlocks: 10, policy: () => vllmV1({ ...LIMITS, holdersFirst: true }) },
      router: 'round-robin',
      admission: whenFree,
      repeatsFirstToken: true,
      holdUs: HOLD_US,
    },
    () => undefined,
  );
  const pd: PdEndpoints = engine.pd ?? assert.fail('the engine has no endpoints');
  const ask = (atUs: number, side: Side, room: string, inputTokens = 4, outputTokens = 3): RecordingListener => {
    const heard = new RecordingListener();
    const request = { id: room, inputTokens, content: null, maxTokens: outputTokens, trueOutputTokens: outputTokens };
    clock.at(atUs, () => {
      heard.cancel =
        side === 'prefill'
          ? pd.prefill.holdInRoom(room, request, heard)
          : pd.decode.fetchFromRoom(room, request, heard);
    });
    return heard;
  };
  const leave = (atUs: number, heard: RecordingListener): void => clock.at(atUs, () => heard.cancel());
  const usedBlocks = (): readonly number[] => [pd.prefill.load().usedBlocks, pd.decode.load().usedBlocks];
  const run = async (): Promise<void> => {
    await clock.run(() => false);
    for (const pool of [engine, pd.prefill, pd.decode]) {
      const { usedBlocks: used, running, waiting } = pool.load();
      assert.deepEqual([used, running, waiting], [0, 0, 0]);
    }
  };
  return { clock, pd, ask, leave, usedBlocks, run };
}

const failed = (room: string, why: string): string[] => [`500 KVTransferError(bootstrap_room=${room}): ${why}.`];
const NONE: string[] = [];

test('two requests meet in a room, whichever comes first', async () => {
  const { clock, pd, ask, run } = small();
  const prompts = [ask(0, 'prefill', 'A', 6), ask(1030, 'prefill', 'B'), ask(2000, 'prefill', 'C')];
  const answers = [ask(50, 'decode', 'A', 6), ask(1000, 'decode', 'B'), ask(2500, 'decode', 'C')];
  const waiting: number[] = [];
  for (const atUs of [100, 200, 1010]) clock.at(atUs, () => waiting.push(pd.decode.load().waiting));
  await run();
  // At 100 for its prompt, at 200 for its memory to come.
  assert.deepEqual(waiting, [1, 1, 1]);
  // Each prompt is computed from when it comes, and answered with one token.
  for (const [i, atUs] of [160, 1170, 2140].entries())
    assert.deepEqual([prompts[i]?.tokenTimesUs, prompts[i]?.endUs], [[atUs], atUs]);
  // It moves as soon as both are there, and its last token is computed again.
  assert.deepEqual(
    answers.map(({ tokenTimesUs }) => tokenTimesUs),
    [
      [350, 460, 570],
      [1340, 1450, 1560],
      [2670, 2780, 2890],
    ],
  );
  // From when the first of the two came.
  assert.deepEqual(
    answers.map(({ completions }) => Object.values(completions[0]?.phases ?? {})),
    [
      [0, 160, 80, 0, 330],
      [30, 140, 60, 0, 330],
      [0, 140, 60, 360, 330],
    ],
  );
});

describe('a room of which one half is given up', () => {
  test('by the client of the prompt: the decode fails, whether it waits or is still to come', async () => {
    const { ask, leave, usedBlocks, clock, run } = small();
    const waits = ask(0, 'decode', 'A');
    const [first, second] = [ask(10, 'prefill', 'A'), ask(10, 'prefill', 'B')];
    leave(100, first);
    leave(100, second);
    clock.at(101, () => assert.deepEqual(usedBlocks(), [0, 0]));
    const late = ask(500, 'decode', 'B');
    await run();
    assert.deepEqual(waits.refusals, failed('A', 'the client of its prefill request has gone'));
    assert.deepEqual(late.refusals, failed('B', 'the client of its prefill request has gone'));
    for (const { tokenTimesUs, refusals } of [first, second]) assert.deepEqual([tokenTimesUs, refusals], [[], []]);
  });

  test('by the client of the decode: the prompt fails unless it is computed, and is held no longer', async () => {
    const { ask, leave, usedBlocks, clock, run } = small();
    const [whileComputed, beforePrompt, whileMoved] = [
      ask(0, 'decode', 'A'),
      ask(0, 'decode', 'B'),
      ask(200, 'decode', 'C'),
    ];
    const [computing, late] = [ask(10, 'prefill', 'A'), ask(200, 'prefill', 'B')];
    const computed = ask(1000, 'prefill', 'C');
    leave(100, whileComputed);
    leave(100, beforePrompt);
    clock.at(101, () => assert.deepEqual(usedBlocks(), [0, 0]));
    // It moves from 1,140 to 1,200.
    clock.at(1150, () => assert.deepEqual(usedBlocks(), [1, 1]));
    leave(1160, whileMoved);
    clock.at(1161, () => assert.deepEqual(usedBlocks(), [0, 0]));
    await run();
    assert.deepEqual(computing.refusals, failed('A', 'the client of its decode request has gone'));
    assert.deepEqual(late.refusals, failed('B', 'the client of its decode request has gone'));
    assert.deepEqual([computed.refusals, computed.endUs], [[], 1140]);
    for (const { tokenTimesUs, refusals } of [whileComputed, beforePrompt, whileMoved])
      assert.deepEqual([tokenTimesUs, refusals], [[], []]);
  });

  test('does not hear of it once it has ended', async () => {
    const { ask, leave, run } = small();
    const [prompt, answer] = [ask(0, 'prefill', 'A'), ask(0, 'decode', 'A')];
    leave(150, prompt);
    leave(900, answer);
    await run();
    assert.deepEqual([prompt.refusals, answer.refusals, answer.completions.length], [[], [], 1]);
  });
});

describe('a half that waits', () => {
  test('holds its prompt for hold_s; the decode that comes then waits as long', async () => {
    const { ask, usedBlocks, clock, run } = small();
    const prompt = ask(0, 'prefill', 'A');
    clock.at(1139, () => assert.deepEqual(usedBlocks(), [1, 0]));
    clock.at(1141, () => assert.deepEqual(usedBlocks(), [0, 0]));
    const late = ask(1200, 'decode', 'A');
    clock.at(2199, () => assert.deepEqual(late.refusals, NONE));
    await run();
    assert.deepEqual([prompt.endUs, prompt.refusals], [140, []]);
    assert.deepEqual(late.refusals, failed('A', 'no prefill request has come within 0.001 s'));
  });

  test('is not given up while the prompt waits or is computed, however long', async () => {
    const { ask, run } = small();
    // All 8 blocks are held until 1,410.
    ask(0, 'prefill', 'full', 31);
    ask(1, 'prefill', 'A');
    const answer = ask(2, 'decode', 'A');
    await run();
    assert.deepEqual([answer.refusals, answer.completions.length], [[], 1]);
    assert.ok(answer.endUs > HOLD_US);
  });
});

describe('refused', () => {
  test('a room that another request of the same side has; it can be used again once both have met', async () => {
    const { ask, run } = small();
    const first = [ask(0, 'decode', 'A'), ask(10, 'prefill', 'A')];
    const [decode, prefill] = [ask(5, 'decode', 'A'), ask(20, 'prefill', 'A')];
    const again = [ask(700, 'prefill', 'A'), ask(710, 'decode', 'A')];
    const [gone, retried] = [ask(2000, 'prefill', 'B'), ask(2020, 'prefill', 'B')];
    await run();
    assert.deepEqual(decode.refusals, ['400 bootstrap_room=A is in use by another decode request: draw a new one.']);
    assert.deepEqual(prefill.refusals, ['400 bootstrap_room=A is in use by another prefill request: draw a new one.']);
    for (const { completions, refusals } of [...first, ...again])
      assert.deepEqual([refusals, completions.length], [[], 1]);
    assert.deepEqual([gone.refusals.length, retried.refusals.length], [0, 1]);
  });

  test('two prompts of different lengths: the second with 400, the first fails', async () => {
    const { ask, run } = small();
    const [prompt, answer] = [ask(0, 'prefill', 'A', 6), ask(10, 'decode', 'A', 7)];
    await run();
    assert.deepEqual(answer.refusals, [
      '400 The prompt has 7 tokens, and that of the prefill request of bootstrap_room=A has 6.',
    ]);
    assert.deepEqual(prompt.refusals, failed('A', 'its two requests have different prompts'));
  });

  test('what one side can never serve: at once, and the other side fails', async () => {
    const { ask, run } = small();
    const tooLong = '400 The request needs 11 KV blocks for 41 tokens, and there are 10.';
    const halves = [ask(0, 'prefill', 'A', 32), ask(10, 'decode', 'A', 32, 9)];
    const [decodeFirst, prefillLast] = [ask(0, 'decode', 'B', 32, 9), ask(10, 'prefill', 'B', 32)];
    const [waits, tooLarge] = [ask(0, 'decode', 'C', 33), ask(10, 'prefill', 'C', 33)];
    await run();
    assert.deepEqual(
      halves.map(({ refusals }) => refusals),
      [failed('A', 'its decode request was refused'), [tooLong]],
    );
    assert.deepEqual(decodeFirst.refusals, [tooLong]);
    assert.deepEqual(prefillLast.refusals, failed('B', 'its decode request was refused'));
    assert.deepEqual(tooLarge.refusals, ['400 The request needs 9 KV blocks for 33 tokens, and there are 8.']);
    assert.deepEqual(waits.refusals, failed('C', 'its prefill request was refused'));
  });
});

const pair = fc.record({
  atUs: fc.nat(5000),
  inputTokens: fc.integer({ min: 1, max: 30 }),
  outputTokens: fc.integer({ min: 1, max: 10 }),
  /** Null: never comes. */
  prefillAfterUs: fc.option(fc.nat(1500), { freq: 12 }),
  decodeAfterUs: fc.option(fc.nat(1500), { freq: 12 }),
  /** After it came; null: never. */
  prefillLeavesUs: fc.option(fc.nat(800), { freq: 3 }),
  decodeLeavesUs: fc.option(fc.nat(2000), { freq: 3 }),
});

test('any pairs: each request gets its tokens or one refusal or has left, and nothing stays in memory', async () => {
  const seen = { met: 0, failed: 0, left: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 20 }), async (pairs) => {
      const { ask, leave, run } = small(2);
      const rooms = pairs.map((one, i) => {
        const send = (side: Side, afterUs: number | null, leavesUs: number | null) => {
          if (afterUs === null) return null;
          const atUs = one.atUs + afterUs;
          const heard = ask(atUs, side, String(i), one.inputTokens, one.outputTokens);
          if (leavesUs !== null) leave(atUs + leavesUs, heard);
          return { heard, atUs, mayLeave: leavesUs !== null };
        };
        return {
          ...one,
          prefill: send('prefill', one.prefillAfterUs, one.prefillLeavesUs),
          decode: send('decode', one.decodeAfterUs, one.decodeLeavesUs),
        };
      });
      await run();
      for (const { prefill, decode, outputTokens, prefillAfterUs, decodeAfterUs } of rooms) {
        const apartUs = Math.abs((prefillAfterUs ?? Number.NaN) - (decodeAfterUs ?? Number.NaN));
        const stay = prefill?.mayLeave === false && decode?.mayLeave === false;
        if (stay && apartUs < HOLD_US) assert.equal(decode.heard.completions.length, 1);
        for (const half of [prefill, decode]) {
          if (half === null) continue;
          const { completions, refusals, tokenTimesUs } = half.heard;
          const ends = completions.length + refusals.length;
          assert.ok(half.mayLeave ? ends <= 1 : ends === 1, `${ends} ends`);
          if (ends === 0) seen.left++;
          if (refusals.length > 0) seen.failed++;
          if (completions.length > 0) assert.equal(tokenTimesUs.length, half === prefill ? 1 : outputTokens);
          else if (half === prefill || refusals.length > 0) assert.equal(tokenTimesUs.length, 0);
        }
        const phases = decode?.heard.completions[0]?.phases;
        if (phases === undefined || prefill === null || decode === null) continue;
        seen.met++;
        const spans = Object.values(phases).map((span) => span ?? Number.NaN);
        for (const span of spans) assert.ok(span >= 0, JSON.stringify(phases));
        const whole = spans.reduce((sum, span) => sum + span, 0);
        const firstUs = Math.min(prefill.atUs, decode.atUs);
        assert.ok(Math.abs(firstUs + whole - decode.heard.endUs) < 1e-6, 'the phases are not all of its time');
      }
    }),
    { numRuns: 200 },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `nobody ${what}`);
});
