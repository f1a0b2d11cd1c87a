import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SharedCostModel } from '../../../src/engine/cost/cost-model.ts';
import { nexusShares, type NexusShareOptions } from '../../../src/engine/policies/nexus-shares.ts';
import type { Asked } from '../iterations.ts';
import { linesOf } from './shared-gpu-lines.ts';

const percent = (share: number): number => Math.round(share * 100);

/** Prompts compute all of their share, 10 us a token on the whole GPU. Decodes keep what prompts leave them. */
const costOf = (decodeUs: (decodes: number, percentOfGpu: number) => number): SharedCostModel => ({
  timeUs: (batch, share = 1) =>
    batch.decodes > 0 ? decodeUs(batch.decodes, percent(share)) : (1000 * batch.newTokens) / percent(share),
  demand: ({ decodes, newTokens }) => ({
    arithmeticUs: decodes > 0 ? 0 : 10 * newTokens,
    memoryUs: 0,
    attentionUs: 0,
    kvUs: 0,
  }),
});

const OPTIONS: NexusShareOptions = {
  prefillSlack: 2,
  decodeSlack: 1,
  objective: 'prefill',
  kvSwitch: 0.7,
  kvHysteresis: 0.05,
  leastChange: 15,
  smallest: 10,
  idleShare: 0.9,
  isContended: false,
};

describe('shares by hand: twelve requests, a prompt an iteration', () => {
  test('a change of 10 % is not applied, one of 20 % is, up and down', async () => {
    // Each decode needs a tenth of the GPU: with less than all of them need they take longer than 600 us. So prompts may
    // have 90 % beside one of them, 80 % beside two, 70 % beside three. 63 tokens: 700 us on 90 %, 900 us on 70 %.
    const cost = costOf((decodes, share) => Math.max(600, (6000 * decodes) / share));
    const requests: Readonly<Record<string, Asked>> = {
      A: [0, 63, 4],
      B: [0, 81, 3],
      C: [0, 63, 3],
      D: [0, 63, 3],
      E: [0, 63, 3],
      F: [0, 63, 3],
      G: [0, 63, 2],
      H: [0, 63, 2],
      I: [0, 63, 1],
      J: [0, 63, 2],
      K: [0, 63, 2],
      L: [0, 63, 1],
    };
    const { lines } = await linesOf(requests, {
      cost,
      ageing: null,
      shares: (kvUse) => nexusShares(OPTIONS, cost, kvUse),
    });
    assert.deepEqual(lines, [
      // Alone: 90 %.
      [0, 'A+63@0', 700],
      [700, 'B+81@0', 900],
      // From 50 % to 90 %, for one decode.
      [700, 'A', 600],
      [1300, 'A', 600],
      [1600, 'C+63@0', 700],
      // For two it would be 80 %: not applied, and two decodes on 10 % take 1200 us.
      [1900, 'A B', 1200],
      [2300, 'D+63@0', 700],
      [3000, 'E+63@0', 700],
      // For three 70 %: applied. E keeps its 90 % until 3700, so that decodes have 10 % and a third of their speed: 200 of
      // their 600 us. They end at 3700 + 400.
      [3100, 'B C D', 600],
      [3700, 'F+63@0', 900],
      [4100, 'C D E', 600],
      [4600, 'G+63@0', 900],
      // For two 80 %: not applied.
      [4700, 'E F', 600],
      // For one 90 %: applied. G keeps its 70 %.
      [5300, 'F', 600],
      [5500, 'H+63@0', 700],
      [5900, 'G', 600],
      [6200, 'I+63@0', 700],
      [6500, 'H', 600],
      [6900, 'J+63@0', 700],
      // I has its only token: no decode is under way, and K is alone when it begins.
      [7600, 'K+63@0', 700],
      [7600, 'J', 600],
      [8300, 'L+63@0', 700],
      [8300, 'K', 600],
    ]);
  });

  test('decodes are favoured above 75 % of the memory, prompts again below 65 %', async () => {
    // Decodes take 600 us from a tenth of the GPU on, which is within their slack of 1.5, and 400 us on half of it. So
    // prompts have 90 % while they are favoured; else, with a slack of 2, 50 %. 45 tokens: 500 us or 900 us.
    const cost = costOf((_, share) => (share >= 50 ? 400 : Math.max(600, 6000 / share)));
    const requests: Readonly<Record<string, Asked>> = {
      A: [0, 45, 4],
      B: [0, 45, 5],
      C: [0, 45, 5],
      D: [0, 45, 4],
      E: [0, 18, 4],
      F: [2500, 18, 4],
      G: [2700, 18, 3],
      H: [3000, 45, 3],
      I: [3000, 18, 2],
      J: [3000, 45, 2],
      K: [3000, 45, 2],
      L: [3000, 45, 1],
    };
    const { lines } = await linesOf(requests, {
      cost,
      ageing: null,
      budget: 45,
      // A prompt has a block a token and one more; 75 % are 172.5 blocks, 65 % are 149.5.
      blocks: 230,
      shares: (kvUse) => nexusShares({ ...OPTIONS, objective: 'auto', decodeSlack: 1.5, leastChange: 5 }, cost, kvUse),
    });
    assert.deepEqual(lines, [
      [0, 'A+45@0', 500],
      // 92 blocks
      [500, 'B+45@0', 500],
      [500, 'A', 600],
      // 138, 139
      [1000, 'C+45@0', 500],
      [1100, 'A B', 600],
      // 185: decodes are favoured; those under way keep their 10 % until 1700.
      [1500, 'D+45@0', 900],
      // 187
      [1700, 'A B C', 400],
      // A has gone with its 48: 141, and prompts are favoured; D keeps its 50 % until 2400.
      [2100, 'B C', 600],
      // 160 is between the limits: as before.
      [2400, 'E+18@0', 200],
      // 179, 181
      [2600, 'F+18@0', 360],
      [2700, 'B C D E', 400],
      // 200
      [2960, 'G+18@0', 360],
      // B has gone with its 49: 154 is between the limits, as before.
      [3100, 'C D E F', 400],
      // 200
      [3320, 'H+45@0', 900],
      // C has gone with its 49: 154
      [3500, 'D E F G', 400],
      // D and E have gone with 48 and 21: 87, and H keeps its 50 %.
      [3900, 'F G', 600],
      // 106
      [4220, 'I+18@0', 200],
      // 152: between the limits
      [4420, 'J+45@0', 500],
      [4500, 'H I', 600],
      [4920, 'K+45@0', 500],
      [5100, 'H J', 600],
      // 185
      [5420, 'L+45@0', 900],
      // H and J have gone with their 47 and 46: 92
      [5700, 'K', 600],
    ]);
  });

  test('shares that are set while batches run are adopted by each phase at its next, and move no end', async () => {
    // 10 us a token and 100 us for any decodes on the whole GPU. Set at 3000, for prompts and decodes: 20 and 80 % in place
    // of halves; at 6520: 80 and 20 %.
    const requests: Readonly<Record<string, Asked>> = {
      A: [50, 40, 2],
      B: [1850, 40, 4],
      C: [2000, 19, 3],
      D: [2000, 40, 2],
      E: [4000, 20, 6],
      F: [5500, 11, 1],
      G: [5500, 40, 2],
      H: [5500, 32, 2],
      I: [5500, 40, 1],
      J: [5500, 24, 2],
      K: [8000, 16, 1],
      L: [8300, 8, 1],
    };
    const { lines } = await linesOf(requests, {
      ageing: null,
      budget: 50,
      shares: (_, now) => {
        const ofPrompts = (): number => (now() < 3000 ? 50 : now() < 6520 ? 20 : 80);
        return { prefill: () => ofPrompts() / 100, decode: () => (100 - ofPrompts()) / 100 };
      },
    });
    assert.deepEqual(lines, [
      [50, 'A+40@0', 800],
      [850, 'A', 200],
      [1850, 'B+40@0', 800],
      // These two run at 3000, and end at 3030 and 3050 as if nothing had been set.
      [2650, 'C+19@0', 380],
      [2650, 'B', 200],
      [2850, 'B', 200],
      [3030, 'D+40@0', 2000],
      [3050, 'B C', 125],
      [3175, 'C', 125],
      [5030, 'E+20@0', 1000],
      [5030, 'D', 125],
      // F runs at 6520, to 6580, and so does E from 6405, to 6530.
      [6030, 'F+11@0', 550],
      [6030, 'E', 125],
      [6155, 'E', 125],
      [6280, 'E', 125],
      [6405, 'E', 125],
      [6530, 'E', 500],
      [6580, 'G+40@0', 500],
      [7080, 'H+32@0', 400],
      [7080, 'G', 500],
      [7480, 'I+40@0', 500],
      [7580, 'H', 500],
      [7980, 'J+24@0', 300],
      [8280, 'K+16@0', 200],
      [8280, 'J', 500],
      [8480, 'L+8@0', 100],
    ]);
  });
});
