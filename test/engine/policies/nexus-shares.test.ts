import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Batch } from '../../../src/engine/cost/batch.ts';
import type { SharedCostModel } from '../../../src/engine/cost/cost-model.ts';
import { nexusShares, type NexusShareOptions, type Shares } from '../../../src/engine/policies/nexus-shares.ts';

/** A prefill takes 1000 us of the whole GPU; a decode 100 us, and half of the GPU is enough for it. */
const COST: SharedCostModel = {
  timeUs: (batch, share = 1) => (batch.decodes > 0 ? 100 * Math.max(1, 0.5 / share) : 1000 / share),
  demand: (batch) =>
    batch.decodes > 0
      ? { arithmeticUs: 10, memoryUs: 100, attentionUs: 40, kvUs: 40 }
      : { arithmeticUs: 1000, memoryUs: 200, attentionUs: 100, kvUs: 40 },
};

const PROMPT = new Batch();
PROMPT.addChunk(100, 0, true);
const DECODE = new Batch();
DECODE.addDecode(100);

const OPTIONS: NexusShareOptions = {
  prefillSlack: 1.3,
  decodeSlack: 1.1,
  objective: 'auto',
  kvSwitch: 0.7,
  kvHysteresis: 0.05,
  leastChange: 4,
  smallest: 10,
  idleShare: 1,
  isContended: false,
};

function partition(changed: Partial<NexusShareOptions> = {}): { shares: Shares; use: { kv: number } } {
  const use = { kv: 0 };
  return { shares: nexusShares({ ...OPTIONS, ...changed }, COST, () => use.kv), use };
}
const percent = (share: number): number => Math.round(share * 100);

describe("Nexus' partition, by hand", () => {
  test('favours prompts as long as decodes take at most 1.1 of their time on the whole GPU', () => {
    // 0.5 / share <= 1.1 from 46 % on.
    const { shares } = partition();
    assert.equal(percent(shares.prefill(PROMPT, DECODE)), 54);
    assert.equal(percent(shares.decode(DECODE, PROMPT)), 46);
  });

  test('applies no change below the least one', () => {
    const { shares } = partition({ leastChange: 5 });
    assert.equal(percent(shares.prefill(PROMPT, DECODE)), 50);
  });

  test('favours decodes above the switch of KV use, and prompts again below it, beyond its hysteresis', () => {
    const { shares, use } = partition();
    const prefillAt = (kv: number): number => {
      use.kv = kv;
      return percent(shares.prefill(PROMPT, DECODE));
    };
    assert.equal(prefillAt(0.74), 54);
    // 1 / share <= 1.3 from 77 % on.
    assert.equal(prefillAt(0.76), 77);
    assert.equal(prefillAt(0.66), 77);
    assert.equal(prefillAt(0.64), 54);
    assert.equal(prefillAt(0.74), 54);
  });

  test('gives a phase its share alone while the other is idle, and leaves what is in force', () => {
    const { shares } = partition({ idleShare: 0.8 });
    assert.equal(percent(shares.prefill(PROMPT, DECODE)), 54);
    assert.equal(shares.decode(DECODE, null), 0.8);
    assert.equal(shares.prefill(PROMPT, null), 0.8);
    assert.equal(percent(shares.decode(DECODE, PROMPT)), 46);
  });

  test('counts the bandwidth that a prompt takes from decode attention', () => {
    // For a tenth of the time decode attention has 40 of 80 parts, else 40 of 200: it takes 40 / 0.23 in place of 40.
    // With 133.9 us more, 100 max(1, 0.5 / share) may be 123.4: from 41 % on.
    const { shares } = partition({ isContended: true });
    assert.equal(percent(shares.prefill(PROMPT, DECODE)), 59);
  });

  test('never leaves a phase less than the smallest share', () => {
    assert.equal(percent(partition({ decodeSlack: 100 }).shares.prefill(PROMPT, DECODE)), 90);
    const { shares } = partition({ objective: 'decode', prefillSlack: 1.0001, smallest: 20 });
    assert.equal(percent(shares.prefill(PROMPT, DECODE)), 80);
  });
});
