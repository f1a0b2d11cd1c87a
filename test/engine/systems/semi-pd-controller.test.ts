import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { IterationEntry } from '../../../src/engine/instance/iteration-log.ts';
import { semiPdShares, type SemiPdShareOptions } from '../../../src/engine/policies/semi-pd-shares.ts';
import type { Asked } from '../iterations.ts';
import { linesOf } from './shared-gpu-lines.ts';

const NEVER = 1e9;
const OPTIONS: SemiPdShareOptions = {
  prefillShare: 0.5,
  decodeShare: 0.5,
  ttftLimitUs: NEVER,
  tpotLimitUs: NEVER,
  windowUs: 10_000,
  restartUs: 5000,
};

/** Shares of both phases, percent, from a time on. */
interface Change {
  readonly atUs: number;
  readonly phase: string;
  readonly percent: number;
}

/** A prompt of `tokens` every so many microseconds, and four tokens of each: the shares that were seen in turn. */
async function changesOf(options: Partial<SemiPdShareOptions>, everyUs: number, tokens: number, requests = 60) {
  const asked: Record<string, Asked> = {};
  for (let i = 0; i < requests; i++) asked[`r${i}`] = [i * everyUs, tokens, 4];
  const { entries, tokenTimesUs } = await linesOf(asked, {
    ageing: null,
    shares: (_, now) => semiPdShares({ ...OPTIONS, ...options }, now),
  });
  for (const id of Object.keys(asked)) assert.equal(tokenTimesUs[id]?.length, 4, `${id} lost tokens`);
  const seen = new Map<string, number>();
  const changes: Change[] = [];
  for (const entry of entries) {
    const percent = percentOf(entry);
    const before = seen.get(entry.instance);
    seen.set(entry.instance, percent);
    if (before !== undefined && before !== percent)
      changes.push({ atUs: entry.begin_us, phase: entry.instance, percent });
  }
  const longestUs = Math.max(...entries.map(({ stage_us }) => stage_us));
  return { changes, longestUs };
}

/** Of the whole GPU a prompt takes 10 us a token, and decodes take 100 us. */
function percentOf({ prefill, stage_us }: IterationEntry): number {
  const wholeUs = prefill.length === 0 ? 100 : 10 * prefill.reduce((sum, chunk) => sum + chunk.tokens, 0);
  return Math.round((100 * wholeUs) / stage_us);
}

describe("semi-PD's windowed controller", () => {
  test('a TTFT above its limit gives prompts more, and decodes the rest, when the restart is over', async () => {
    // 1,100 us a prompt, every 1,000 us: each waits 100 us longer than the one before. The mean of the first window is below
    // 2,000 us, that of the second above; the decision comes with the batch that begins next.
    const { changes } = await changesOf({ ttftLimitUs: 2000, tpotLimitUs: 1000 }, 1000, 55);
    const [first, second] = changes;
    assert.ok(first !== undefined && second !== undefined);
    assert.ok(first.atUs >= 25_000 && first.atUs <= 28_300, `${first.atUs}`);
    assert.deepEqual(new Set([first.phase, second.phase]), new Set(['prefill', 'decode']));
    assert.equal(first.percent + second.percent, 100);
    assert.ok(changes.filter(({ phase }) => phase === 'prefill').every(({ percent }) => percent > 50));
  });

  test('a TPOT above its limit gives decodes more', async () => {
    // 200 us on half of the GPU.
    const { changes } = await changesOf({ ttftLimitUs: 5000, tpotLimitUs: 150 }, 3000, 20);
    const [first] = changes;
    assert.ok(first !== undefined);
    assert.ok(first.atUs >= 15_000 && first.atUs <= 21_000, `${first.atUs}`);
    assert.ok(changes.every(({ phase, percent }) => (phase === 'decode' ? percent > 66 : percent < 34)));
    // On two thirds they take 150 us, so that nothing else changes.
    assert.equal(changes.length, 2);
  });

  test('while both limits hold nothing changes', async () => {
    assert.deepEqual((await changesOf({ ttftLimitUs: 1001, tpotLimitUs: 200 }, 3000, 50)).changes, []);
  });

  test('where prompts keep up on no share, they keep the most, not the least', async () => {
    const { changes } = await changesOf({ prefillShare: 0.9, decodeShare: 0.1, ttftLimitUs: 2000 }, 400, 95);
    assert.deepEqual(changes, []);
  });

  test('a change waits for a window and a restart, the next for as long again, and no request is lost', async () => {
    const options = fc.record({
      ttftLimitUs: fc.integer({ min: 500, max: 5000 }),
      tpotLimitUs: fc.integer({ min: 100, max: 1000 }),
      windowUs: fc.integer({ min: 2000, max: 15_000 }),
      restartUs: fc.integer({ min: 0, max: 10_000 }),
    });
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(
        options,
        fc.integer({ min: 400, max: 2000 }),
        fc.integer({ min: 10, max: 90 }),
        async (drawn, everyUs, tokens) => {
          const { changes, longestUs } = await changesOf(drawn, everyUs, tokens);
          const leastUs = drawn.windowUs + drawn.restartUs;
          for (const phase of ['prefill', 'decode']) {
            let since = 0;
            for (const { atUs } of changes.filter((change) => change.phase === phase)) {
              // A phase may have taken the shares before these as late as its batch let it.
              assert.ok(atUs - since >= leastUs - (since === 0 ? 0 : longestUs), `${atUs} after ${since}`);
              since = atUs;
            }
          }
          changed += changes.length;
        },
      ),
      { numRuns: 30 },
    );
    assert.ok(changed > 0);
  });
});
