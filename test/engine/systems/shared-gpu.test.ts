import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nexusShares, type NexusShareOptions } from '../../../src/engine/policies/nexus-shares.ts';
import type { Asked } from '../iterations.ts';
import { COST, linesOf } from './shared-gpu-lines.ts';

describe('shortest prompt first, worked by hand: 100 tokens an iteration, answers of one token', () => {
  const twelve: Readonly<Record<string, Asked>> = {
    A: [0, 90, 1],
    B: [0, 40, 1],
    C: [0, 70, 1],
    D: [0, 10, 1],
    E: [300, 30, 1],
    F: [450, 120, 1],
    G: [700, 60, 1],
    H: [1000, 45, 1],
    I: [1600, 5, 1],
    J: [1700, 100, 1],
    K: [2100, 95, 1],
    L: [3000, 1, 1],
  };

  test('the rest of a prompt is its rank', async () => {
    const { lines } = await linesOf(twelve);
    assert.deepEqual(lines, [
      // C is the next, and would be 20 tokens too many.
      [0, 'D+10@0 B+40@0', 500],
      [500, 'E+30@0 C+70@0', 1000],
      [1500, 'H+45@0', 450],
      [1950, 'I+5@0 G+60@0', 650],
      [2600, 'A+90@0', 900],
      [3500, 'L+1@0 K+95@0', 960],
      [4460, 'J+100@0', 1000],
      // Longer than an iteration: it is cut, because it is the first.
      [5460, 'F+100@0', 1000],
      [6460, 'F+20@100', 200],
    ]);
  });

  test('20,000 tokens for each second that it is old: 20 a millisecond', async () => {
    const { lines } = await linesOf(twelve, { ageing: 20_000 });
    assert.deepEqual(lines, [
      [0, 'D+10@0 B+40@0', 500],
      // E 26, C 60, A 80, F 119
      [500, 'E+30@0 C+70@0', 1000],
      // H 35, G 44, A 60, F 99
      [1500, 'H+45@0', 450],
      // I -2, G 35, A 51, F 90, J 95
      [1950, 'I+5@0 G+60@0', 650],
      // A 38, F 77, J 82, K 85
      [2600, 'A+90@0', 900],
      // L -9, F 59: F does not fit beside it, and is not the first.
      [3500, 'L+1@0', 10],
      // F 58.8 before J 63.8 and K 66.8
      [3510, 'F+100@0', 1000],
      // F's rest -61.2, J 43.8
      [4510, 'F+20@100', 200],
      // J 39.8 before K 42.8
      [4710, 'J+100@0', 1000],
      [5710, 'K+95@0', 950],
    ]);
  });

  test('first come, first served is a rank too', async () => {
    const { lines } = await linesOf(twelve, { ageing: null });
    assert.deepEqual(lines.slice(0, 4), [
      [0, 'A+90@0', 900],
      [900, 'B+40@0', 400],
      [1300, 'C+70@0 D+10@0', 800],
      [2100, 'E+30@0', 300],
    ]);
  });
});

describe('prompts and decodes at once, in one memory', () => {
  test('a prompt decodes where it was computed, beside the next', async () => {
    const half = () => 0.5;
    const { lines, tokenTimesUs } = await linesOf(
      { A: [0, 40, 3], B: [0, 60, 2], C: [0, 100, 1] },
      { shares: () => ({ prefill: half, decode: half }) },
    );
    assert.deepEqual(lines, [
      [0, 'A+40@0 B+60@0', 2000],
      [2000, 'C+100@0', 2000],
      [2000, 'A B', 200],
      [2200, 'A', 200],
    ]);
    assert.deepEqual(tokenTimesUs['A'], [2000, 2200, 2400]);
  });

  test('one that loses its memory is computed again with the prompts, and comes back', async () => {
    // 12 blocks of one token. A and B have 5 each at 100, and one more for each token; at 400 the twelve are full.
    const { lines, tokenTimesUs } = await linesOf(
      { A: [0, 4, 5], B: [0, 4, 4], C: [150, 2, 1] },
      { blocks: 12, shares: () => ({ prefill: () => 0.5, decode: () => 0.5 }) },
    );
    assert.deepEqual(lines, [
      [0, 'A+4@0 B+4@0', 160],
      // C would need 3 blocks, and two are free.
      [160, 'A B', 200],
      [360, 'A B', 200],
      // A has the last block but one; for B, the last, there is none: it has 4 of the prompt and 3 of its tokens.
      [560, 'A', 200],
      [560, 'C+2@0', 40],
      [760, 'A', 200],
      [960, 'B+7@0', 140],
    ]);
    assert.deepEqual(tokenTimesUs['B'], [160, 360, 560, 1100]);
    assert.deepEqual(tokenTimesUs['C'], [600]);
  });
});

describe("Nexus' partition", () => {
  const options: NexusShareOptions = {
    prefillSlack: 1.3,
    decodeSlack: 1.1,
    objective: 'auto',
    kvSwitch: 0.7,
    kvHysteresis: 0.05,
    leastChange: 5,
    smallest: 10,
    idleShare: 1,
    isContended: false,
  };
  const A: Asked = [0, 100, 20];
  const long: Readonly<Record<string, Asked>> = { A, B: [0, 100, 1], C: [0, 100, 1], D: [0, 100, 1], E: [0, 100, 1] };

  test('favours prompts: decodes get what keeps them within 1.1 of the whole GPU, 91 %, where each begins its next', async () => {
    const { lines } = await linesOf(long, { shares: (kvUse) => nexusShares(options, COST, kvUse) });
    assert.deepEqual(lines.slice(0, 3), [
      // Alone, on the whole GPU.
      [0, 'A+100@0', 1000],
      // 9 %: below the least share, 10 %. The decode that begins at the same moment takes the rest.
      [1000, 'B+100@0', 1000],
      [1000, 'A', 111],
    ]);
  });
});
