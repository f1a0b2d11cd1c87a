import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { vllmV0 } from '../../../src/engine/policies/vllm-v0.ts';
import { iterationsOf } from '../iterations.ts';

/** 12 blocks of 4 tokens, 32 prompt tokens an iteration, 4 requests at a time. Worked by hand from the rules. */
test('a whole run, worked by hand', async () => {
  const policy = vllmV0({ tokenBudget: 32, maxSeqs: 4 });
  const { lines, tokenTimesUs } = await iterationsOf(
    { capacityBlocks: 12, blockTokens: 4, policy },
    {
      A: [0, 10, 4],
      B: [0, 6, 6],
      C: [0, 20, 3],
      D: [50, 4, 2],
      E: [100, 5, 5],
      F: [700, 9, 1],
      G: [1300, 16, 3],
      H: [1310, 11, 4],
      I: [1500, 2, 2],
      J: [1900, 20, 2],
      K: [2260, 3, 1],
      L: [2270, 7, 2],
    },
  );
  assert.deepEqual(lines, [
    // Whole prompts or none: with C's 20 tokens there would be 36.
    [0, 'A+10@0 B+6@0', '', '', 7, 1],
    // Prompts first: A and B stall. E waits, for four run.
    [260, 'C+20@0 D+4@0', '', '', 1, 1],
    // C's 21st token takes the last block; D's fifth finds none, and D has arrived last of those that run.
    [600, '', 'A B C', 'D', 1, 2],
    // D would take 2 blocks now; E and F behind it wait too.
    [730, '', 'A B C', '', 1, 3],
    // C has ended. D computes again what it had, the token that its user has included, and so ends; F is a fifth.
    [860, 'D+5@0 E+5@0', '', '', 3, 1],
    [1060, 'F+9@0', '', '', 2, 0],
    [1250, '', 'A B E', '', 3, 0],
    // A has ended. G and H take all blocks.
    [1380, 'G+16@0 H+11@0', '', '', 0, 0],
    // B's block has room, but who decodes wants a free block all the same: H, the latest, goes.
    [1750, '', 'B E G', 'H', 2, 2],
    // H would take 3 blocks; I, which would fit, is behind it.
    [1880, '', 'B E G', '', 2, 2],
    // B and G have ended. With J's 20 tokens there would be 34.
    [2010, 'H+12@0 I+2@0', '', '', 6, 1],
    [2250, 'J+20@0', '', '', 1, 0],
    // E takes the last block; H finds none: J goes, though I, too, is behind H.
    [2550, '', 'E H I', 'J', 4, 3],
    // E and I have ended. J takes 6 of 8 blocks, K one; L would take 2.
    [2680, 'J+21@0 K+3@0', '', '', 1, 1],
    [3020, 'L+7@0', '', '', 6, 0],
    [3190, '', 'H L', '', 6, 0],
  ]);
  assert.deepEqual(tokenTimesUs['A'], [260, 730, 860, 1380]);
  assert.deepEqual(tokenTimesUs['D'], [600, 1060]);
  assert.deepEqual(tokenTimesUs['H'], [1750, 2250, 2680, 3310]);
});

/** 200 blocks of 4 tokens: 2 are left free by admission. */
describe('the watermark', () => {
  const parts = { capacityBlocks: 200, blockTokens: 4, policy: vllmV0({ tokenBudget: 1000, maxSeqs: 8 }) };

  test('is left free by admission, and is there for those that run', async () => {
    const { lines } = await iterationsOf(parts, { A: [0, 780, 3], B: [0, 12, 3], C: [0, 1, 1] });
    assert.deepEqual(lines, [
      [0, 'A+780@0 B+12@0', '', '', 2, 1],
      [8020, '', 'A B', '', 0, 1],
      // Full: A wants a free block, so B goes. Its 3 blocks are too few for itself with the watermark left.
      [8140, '', 'A', 'B', 3 + 1, 2],
      [8250, 'B+14@0 C+1@0', '', '', 195, 0],
    ]);
  });

  test('does not count while nothing else is there', async () => {
    const { lines } = await iterationsOf(parts, { A: [0, 799, 1], B: [10, 1, 1] });
    assert.deepEqual(lines, [
      [0, 'A+799@0', '', '', 0, 0],
      [8090, 'B+1@0', '', '', 199, 0],
    ]);
  });
});

/** 2 blocks of 4 tokens. */
test('one that fills all memory by itself is preempted and computed again for each of its last tokens', async () => {
  const policy = vllmV0({ tokenBudget: 100, maxSeqs: 4 });
  const { lines, tokenTimesUs } = await iterationsOf({ capacityBlocks: 2, blockTokens: 4, policy }, { A: [0, 4, 4] });
  assert.deepEqual(lines, [
    [0, 'A+4@0', '', '', 1, 0],
    [140, '', 'A', '', 0, 0],
    [250, 'A+6@0', '', 'A', 0, 0],
    [410, 'A+7@0', '', 'A', 0, 0],
  ]);
  assert.deepEqual(tokenTimesUs['A'], [140, 250, 410, 580]);
});

describe('options', () => {
  test('are those of vLLM 0.5', () => {
    const { options } = parseEngineSpec('vllm-v0');
    assert.deepEqual([options['token_budget'], options['max_seqs'], options['block_tokens']], [131072, 256, 16]);
    assert.equal(parseEngineSpec('vllm-v0,max_model_len=1000').options['token_budget'], 2048);
  });

  test('no prompt may be longer than an iteration', () => {
    assert.throws(() => parseEngineSpec('vllm-v0,max_model_len=4096,token_budget=2048'), {
      message: 'reference engine: token_budget=2048 is not a whole number from 4096 to 1048576',
    });
  });
});
