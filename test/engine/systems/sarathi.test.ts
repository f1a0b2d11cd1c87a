import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { chunkSchedule } from '../../../src/engine/policies/chunk-schedule.ts';
import { sarathi } from '../../../src/engine/policies/sarathi.ts';
import { iterationsOf } from '../iterations.ts';

/** 12 blocks of 4 tokens, 8 tokens an iteration, 4 requests at a time. Worked by hand from the rules. */
test('a whole run, worked by hand', async () => {
  const policy = sarathi({ tokenBudget: () => 8, maxSeqs: 4 });
  const { lines, tokenTimesUs } = await iterationsOf(
    { capacityBlocks: 12, blockTokens: 4, policy },
    {
      A: [0, 10, 4],
      B: [0, 5, 6],
      C: [100, 20, 3],
      D: [200, 4, 2],
      E: [600, 12, 3],
      F: [1000, 1, 1],
      G: [1300, 9, 2],
      H: [1310, 3, 3],
      I: [1600, 13, 4],
      J: [1800, 16, 2],
      K: [2000, 6, 2],
      L: [2300, 2, 1],
    },
  );
  assert.deepEqual(lines, [
    // A's prompt is cut at the budget, and has all of its 3 blocks at once.
    [0, 'A+8@0', '', '', 9, 1],
    // What is begun goes on first. One token is left for C, and 5 blocks are taken for it.
    [180, 'A+2@8 B+5@0 C+1@0', '', '', 2, 0],
    // Decodes never stall: they come first, and C has what they leave.
    [360, 'C+6@1', 'A B', '', 2, 1],
    [540, 'C+6@7', 'A B', '', 2, 1],
    [720, 'C+6@13', 'A B', '', 1, 2],
    // A has ended. B takes a block, D one, E 3 for 2 tokens: all.
    [900, 'C+1@19 D+4@0 E+2@0', 'B', '', 0, 0],
    // B's block has room, but who decodes wants a free block all the same: E, the latest, loses what it has. C and D
    // take one each, and E, which would take 3, holds up F.
    [1080, '', 'B C D', 'E', 1, 2],
    // B and D have ended; E begins anew.
    [1210, 'E+7@0', 'C', '', 3, 1],
    [1390, 'E+5@7 F+1@0 G+2@0', '', '', 5, 1],
    [1570, 'G+7@2', 'E', '', 5, 1],
    [1750, 'H+3@0 I+3@0', 'E G', '', 0, 0],
    [1930, 'I+7@3', 'H', '', 7, 1],
    [2110, 'I+3@10 J+4@0', 'H', '', 2, 1],
    [2290, 'J+7@4', 'I', '', 4, 1],
    [2470, 'J+5@11 K+2@0', 'I', '', 2, 1],
    [2650, 'K+4@2 L+2@0', 'I J', '', 0, 0],
    [2830, '', 'K', '', 10, 0],
  ]);
  // While C's 20 tokens are computed, none of its tokens waits for more than one iteration.
  assert.deepEqual(tokenTimesUs['B'], [360, 540, 720, 900, 1080, 1210]);
  assert.deepEqual(tokenTimesUs['E'], [1570, 1750, 1930]);
});

/** 4 blocks of 4 tokens, 8 tokens an iteration. */
test('a latest one that decodes is preempted with its tokens, and computes them anew', async () => {
  const { lines, tokenTimesUs } = await iterationsOf(
    { capacityBlocks: 4, blockTokens: 4, policy: sarathi({ tokenBudget: () => 8, maxSeqs: 4 }) },
    { A: [0, 7, 6], B: [10, 6, 4] },
  );
  assert.deepEqual(lines, [
    [0, 'A+7@0', '', '', 2, 0],
    [170, 'B+6@0', 'A', '', 0, 0],
    // A's 9th token takes a block of B's two; B would need both.
    [340, '', 'A', 'B', 1, 1],
    [450, '', 'A', '', 1, 1],
    [560, '', 'A', '', 1, 1],
    [670, '', 'A', '', 1, 1],
    // Its prompt and the token that it had.
    [780, 'B+7@0', '', '', 2, 0],
    [950, '', 'B', '', 2, 0],
    [1060, '', 'B', '', 1, 0],
  ]);
  assert.deepEqual(tokenTimesUs['B'], [340, 950, 1060, 1170]);
});

/** 6 blocks of 4 tokens; 8 tokens an iteration for the first 8 of a prompt, then 4. */
test('a prompt begun is not preempted for one that arrived later; who preempts itself comes back in the next', async () => {
  const tokenBudget = (computedTokens: number): number => (computedTokens < 8 ? 8 : 4);
  const { lines } = await iterationsOf(
    { capacityBlocks: 6, blockTokens: 4, policy: sarathi({ tokenBudget, maxSeqs: 4 }) },
    { A: [0, 17, 1], B: [0, 3, 3] },
  );
  assert.deepEqual(lines, [
    [0, 'A+8@0', '', '', 1, 1],
    [180, 'A+4@8 B+3@0', '', '', 0, 0],
    // No block is free for B to decode. A's 5 are not touched. B's own would suffice for its 4 tokens, and the budget
    // too, but nothing was left of its prompt when it was preempted.
    [350, 'A+4@12', '', 'B', 1, 1],
    [490, 'A+1@16 B+4@0', '', '', 0, 0],
    [640, '', 'B', '', 4, 0],
  ]);
});

/** One block of 3 tokens, one token an iteration. */
test('the last token of what is computed again is no decode: its block is there', async () => {
  const { lines } = await iterationsOf(
    { capacityBlocks: 1, blockTokens: 3, policy: sarathi({ tokenBudget: () => 1, maxSeqs: 1 }) },
    { A: [0, 1, 2] },
  );
  assert.deepEqual(lines, [
    [0, 'A+1@0', '', '', 0, 0],
    [110, 'A+1@0', '', 'A', 0, 0],
    [220, 'A+1@1', '', '', 0, 0],
  ]);
});

describe('the dynamic chunk schedule', () => {
  test('goes from high to low in equal steps, rounded to 32, halves to even, and stays low', () => {
    const at = (schedule: (computed: number) => number, computed: readonly number[]): number[] =>
      computed.map(schedule);
    const quarter = chunkSchedule({ high: 128, low: 32, stages: 4, promptTokens: 256 });
    assert.deepEqual(at(quarter, [0, 63, 64, 127, 128, 192, 255, 256, 9999]), [128, 128, 96, 96, 64, 32, 32, 32, 32]);
    // 32, 53 and 74 (cut off), 96
    const uneven = chunkSchedule({ high: 96, low: 32, stages: 4, promptTokens: 400 });
    assert.deepEqual(at(uneven, [0, 100, 200, 300]), [96, 64, 64, 32]);
    // The middle is 272 = 8.5 x 32.
    const half = chunkSchedule({ high: 512, low: 32, stages: 3, promptTokens: 300 });
    assert.deepEqual(at(half, [0, 100, 200]), [512, 256, 32]);
    // A third of 100 tokens is 34, rounded up.
    const third = chunkSchedule({ high: 96, low: 32, stages: 3, promptTokens: 100 });
    assert.deepEqual(at(third, [33, 34, 67, 68]), [96, 64, 64, 32]);
  });

  /** 200 blocks of 4 tokens; 128, 96, 64 and 32 tokens an iteration over the first 256 of a prompt. */
  test('cuts prompts by how far they are', async () => {
    const tokenBudget = chunkSchedule({ high: 128, low: 32, stages: 4, promptTokens: 256 });
    const { lines } = await iterationsOf(
      { capacityBlocks: 200, blockTokens: 4, policy: sarathi({ tokenBudget, maxSeqs: 4 }) },
      { A: [0, 4, 6], B: [0, 300, 1], C: [2000, 40, 1] },
    );
    assert.deepEqual(lines, [
      [0, 'A+4@0 B+124@0', '', '', 124, 0],
      // B is in its second quarter: 96 tokens, A's one of them.
      [1380, 'B+95@124', 'A', '', 123, 0],
      // In its last quarter: 32. C, at its beginning, may fill the iteration up to 128.
      [2440, 'B+31@219 C+40@0', 'A', '', 113, 0],
      [3260, 'B+31@250', 'A', '', 123, 0],
      // Behind the 256 the last stage goes on.
      [3680, 'B+19@281', 'A', '', 123, 0],
      [3980, '', 'A', '', 197, 0],
    ]);
  });
});

describe('options', () => {
  test('are those of its code, and a schedule is off', () => {
    const { options } = parseEngineSpec('sarathi,max_model_len=8000');
    const values = ['token_budget', 'max_seqs', 'chunk_low', 'chunk_stages', 'chunk_prompt'].map((key) => options[key]);
    assert.deepEqual(values, [512, 128, 512, 1, 8000]);
    const given = parseEngineSpec('sarathi,token_budget=2048,chunk_low=512').options;
    assert.deepEqual([given['chunk_low'], given['chunk_stages']], [512, 4]);
  });

  test('of a schedule are refused where they would do nothing, or not what they say', () => {
    const faults: Readonly<Record<string, RegExp>> = {
      'sarathi,chunk_stages=4': /chunk_stages and chunk_prompt say how chunks shrink; give a chunk_low below/,
      'sarathi,chunk_prompt=4096': /give a chunk_low below token_budget=512 too/,
      'sarathi,chunk_low=100': /with chunk_low=100 below token_budget=512, both must be multiples of 32/,
      'sarathi,token_budget=500,chunk_low=64': /chunk_low=64 below token_budget=500, both must be multiples of 32/,
      'sarathi,chunk_low=1024': /chunk_low=1024 is not a whole number from 1 to 512/,
      'sarathi,chunk_low=64,chunk_stages=1': /chunk_stages=1 is not a whole number from 2 to 1024/,
    };
    for (const [text, message] of Object.entries(faults)) assert.throws(() => parseEngineSpec(text), { message });
  });
});
