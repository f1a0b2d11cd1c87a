import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import type { Engine } from '../../../src/engine/engine.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import type { IterationEntry } from '../../../src/engine/instance/iteration-log.ts';
import { RadixCache } from '../../../src/engine/kv/radix-cache.ts';
import { NewTokenRatio } from '../../../src/engine/policies/new-token-ratio.ts';
import { sglang, type SglangOptions } from '../../../src/engine/policies/sglang.ts';
import { SGLANG_VERSIONS } from '../../../src/engine/systems/sglang-versions.ts';
import { runTrace, testEngine, type RecordingListener } from '../small-engine.ts';

interface Arrival {
  readonly id: string;
  readonly atUs: number;
  readonly promptTokens: number;
  /** Of 10 tokens each; none: nobody begins alike. */
  readonly pieces?: readonly number[];
  readonly maxTokens: number;
  /** By default, the maximum. */
  readonly outputTokens?: number;
}

/** An iteration of n tokens takes 100 + 10 n microseconds. */
async function run(
  capacityTokens: number,
  options: SglangOptions,
  arrivals: readonly Arrival[],
): Promise<{ steps: IterationEntry[]; heard: Record<string, RecordingListener>; engine: Engine }> {
  const rows = arrivals.map(({ id, atUs, promptTokens, pieces, maxTokens, outputTokens = maxTokens }) => {
    const content = pieces === undefined ? null : { pieces, pieceTokens: 10 };
    return { id, atUs, inputTokens: promptTokens, outputTokens, maxTokens, content };
  });
  const parts = { policy: () => sglang(options), memory: () => new RadixCache(capacityTokens) };
  const { entries, heard, engine } = await runTrace((context) => testEngine(context, parts), rows);
  return { steps: entries, heard, engine };
}

const p = (id: string, tokens: number, past = 0) => ({ id, tokens, past });
const NOTHING = { instance: '0', prefill: [], decode: [], preempted: [], waiting: 0 };

describe('longest prefix match, worked by hand', () => {
  const options: SglangOptions = {
    rules: SGLANG_VERSIONS['0.4'].rules,
    ignoresEos: false,
    schedulePolicy: 'lpm',
    lpmLimit: 128,
    conservativeness: 1,
    maxPrefillTokens: 1000,
    chunkTokens: 100,
    maxRunning: 8,
  };
  const arrivals: readonly Arrival[] = [
    { id: 'W', atUs: 0, promptTokens: 40, pieces: [1, 2, 3, 4], maxTokens: 1 },
    { id: 'A', atUs: 100, promptTokens: 50, pieces: [7, 8, 9, 10, 11], maxTokens: 2 },
    { id: 'B', atUs: 100, promptTokens: 50, pieces: [7, 8, 9, 10, 12], maxTokens: 2 },
    { id: 'C', atUs: 100, promptTokens: 60, pieces: [1, 2, 20, 21, 22, 23], maxTokens: 2 },
    { id: 'D', atUs: 100, promptTokens: 60, pieces: [1, 2, 3, 4, 30, 31], maxTokens: 2 },
    { id: 'E', atUs: 100, promptTokens: 45, pieces: [7, 8, 9, 10, 41], maxTokens: 2 },
  ];
  const first = { ...NOTHING, begin_us: 0, stage_us: 500, prefill: [p('W', 40)], free_blocks: 960 };

  test('longest match first; of those that begin alike one goes first, and the others share what it computes', async () => {
    const { steps, heard, engine } = await run(1000, options, arrivals);
    assert.deepEqual(steps, [
      first,
      // The cache has 40 tokens of D, 20 of C, and none of A, B and E. These begin with the same 32, so B and E stand
      // back. The chunk of 100 has room for 20 of D and 40 of C, and cuts A at 40. W's 40, all locked by D, are no
      // longer free, nor are these 100.
      {
        ...NOTHING,
        begin_us: 500,
        stage_us: 1100,
        prefill: [p('D', 20, 40), p('C', 40, 20), p('A', 40)],
        free_blocks: 860,
        waiting: 2,
      },
      // The rest of A first. Its first 40 are in the tree already, and B and E share them.
      {
        ...NOTHING,
        begin_us: 1600,
        stage_us: 350,
        prefill: [p('A', 10, 40), p('B', 10, 40), p('E', 5, 40)],
        free_blocks: 835,
      },
      { ...NOTHING, begin_us: 1950, stage_us: 150, decode: ['D', 'C', 'A', 'B', 'E'], free_blocks: 830 },
    ]);
    assert.deepEqual(
      Object.entries(heard).map(([id, { completions }]) => [id, completions[0]?.cachedTokens]),
      [
        ['W', 0],
        ['A', 0],
        ['B', 40],
        ['C', 20],
        ['D', 40],
        ['E', 40],
      ],
    );
    assert.equal(engine.load().usedBlocks, 0);
  });

  test('with too many waiting they stay as they stand; later the order changes for good', async () => {
    const { steps } = await run(1000, { ...options, lpmLimit: 4 }, arrivals);
    assert.deepEqual(steps, [
      first,
      // Five wait: A and B as they came, and the chunk is full. What W left is in nobody's use and counts as free.
      {
        ...NOTHING,
        begin_us: 500,
        stage_us: 1100,
        prefill: [p('A', 50), p('B', 50)],
        free_blocks: 900,
        waiting: 3,
      },
      // Three wait, C, D, E, with matches of 20, 40, 40. Of A and B one copy of 40 tokens is kept: 60 are in use, then
      // 40 of W's with 20 of D, 5 of E, 40 of C.
      {
        ...NOTHING,
        begin_us: 1600,
        stage_us: 750,
        prefill: [p('D', 20, 40), p('E', 5, 40), p('C', 40, 20)],
        free_blocks: 835,
      },
      { ...NOTHING, begin_us: 2350, stage_us: 150, decode: ['A', 'B', 'D', 'E', 'C'], free_blocks: 830 },
    ]);
  });
});

const TIGHT: SglangOptions = {
  rules: SGLANG_VERSIONS['0.4'].rules,
  ignoresEos: false,
  schedulePolicy: 'fcfs',
  lpmLimit: 128,
  conservativeness: 0.2,
  maxPrefillTokens: 150,
  chunkTokens: 100,
  maxRunning: 8,
};
const TIGHT_ARRIVALS: readonly Arrival[] = [
  { id: 'G', atUs: 0, promptTokens: 50, maxTokens: 20, outputTokens: 13 },
  { id: 'H', atUs: 100, promptTokens: 40, maxTokens: 40, outputTokens: 20 },
  { id: 'I', atUs: 700, promptTokens: 30, pieces: [1, 2, 3], maxTokens: 1 },
  { id: 'J', atUs: 1550, promptTokens: 20, pieces: [4, 5], maxTokens: 15 },
  { id: 'K', atUs: 3000, promptTokens: 30, pieces: [1, 2, 3], maxTokens: 5, outputTokens: 2 },
  { id: 'M', atUs: 5000, promptTokens: 70, maxTokens: 5, outputTokens: 1 },
];

/**
 * 140 KV tokens. The ratio begins at 0.7 x 0.2 = 0.14 and falls by (0.14 - 0.14^2) / 600, some 0.0002, with each decode
 * step. "Left" is what is free, less the ratio's share of what the running may still generate, less the own maximum.
 */
test('0.4: eviction, retraction and admission by the ratio, worked by hand', async () => {
  const { steps, heard, engine } = await run(140, TIGHT, TIGHT_ARRIVALS);
  assert.deepEqual(steps, [
    { ...NOTHING, begin_us: 0, stage_us: 600, prefill: [p('G', 50)], free_blocks: 90 },
    // Prompts go before the decode of G. Left: 90 - 0.14 x 19 - 40 = 47.3, more than 40.
    { ...NOTHING, begin_us: 600, stage_us: 500, prefill: [p('H', 40)], free_blocks: 50 },
    // Left: 50 - 0.14 x (19 + 39) - 1 = 40.9. I ends with its first token, and its 30 tokens stay cached.
    { ...NOTHING, begin_us: 1100, stage_us: 400, prefill: [p('I', 30)], free_blocks: 20 },
    { ...NOTHING, begin_us: 1500, stage_us: 120, decode: ['G', 'H'], free_blocks: 48 },
    // Left: 48 - 0.1398 x (18 + 38) - 15 = 25.2. 18 are unused, so the 30 of I are evicted.
    { ...NOTHING, begin_us: 1620, stage_us: 300, prefill: [p('J', 20)], free_blocks: 28 },
    ...Array.from({ length: 9 }, (_, k) => ({
      ...NOTHING,
      begin_us: 1920 + 130 * k,
      stage_us: 130,
      decode: ['G', 'H', 'J'],
      free_blocks: 25 - 3 * k,
    })),
    // 1 free, 3 needed. J has the least output (10; G and H 11): its 29 make 30, fewer than 20 for each of two, and what
    // it leaves in the cache is evicted at once. Of G and H, G has the longer prompt: its 60 make 90. The ratio is now
    // (11 + 20) / 40 = 0.775.
    { ...NOTHING, begin_us: 3090, stage_us: 110, decode: ['H'], preempted: ['J', 'G'], free_blocks: 89, waiting: 3 },
    // K is before the retracted ones, and what it shares with I is gone. Left: 89 - 0.775 x 28 - 5 = 62.3. 39 are
    // unused. For J 59 - 21.7 - 5 - 15 = 17.3 are left, and it lacks 30. Now all wait.
    { ...NOTHING, begin_us: 3200, stage_us: 400, prefill: [p('K', 30)], free_blocks: 59, waiting: 2 },
    { ...NOTHING, begin_us: 3600, stage_us: 120, decode: ['H', 'K'], free_blocks: 57, waiting: 2 },
    // K has ended and leaves the batch in this decode step: only then are prompts tried again.
    { ...NOTHING, begin_us: 3720, stage_us: 110, decode: ['H'], free_blocks: 87, waiting: 2 },
    // Left: 87 - 0.7746 x 26 - 15 = 51.9. J computes its prompt and its 10 tokens of output again, for which the prompt
    // of G goes. For G there is no room.
    { ...NOTHING, begin_us: 3830, stage_us: 400, prefill: [p('J', 30)], free_blocks: 57, waiting: 1 },
    ...Array.from({ length: 4 }, (_, k) => ({
      ...NOTHING,
      begin_us: 4230 + 120 * k,
      stage_us: 120,
      decode: ['H', 'J'],
      free_blocks: 55 - 2 * k,
      waiting: 1,
    })),
    // J has ended, with 34 tokens.
    { ...NOTHING, begin_us: 4710, stage_us: 110, decode: ['H'], free_blocks: 82, waiting: 1 },
    // Left for G: 82 - 0.7736 x 21 - 20 = 45.8; it needs 61.
    { ...NOTHING, begin_us: 4820, stage_us: 110, decode: ['H'], free_blocks: 81, waiting: 1 },
    // H has ended: idle for a moment, so the ratio is 0.14 again, and G is alone.
    { ...NOTHING, begin_us: 4930, stage_us: 710, prefill: [p('G', 61)], free_blocks: 79 },
    // Left: 79 - 0.14 x 8 - 5 = 72.9. With 0.77 it would be 67.8, too few.
    { ...NOTHING, begin_us: 5640, stage_us: 800, prefill: [p('M', 70)], free_blocks: 9 },
    { ...NOTHING, begin_us: 6440, stage_us: 110, decode: ['G'], free_blocks: 78 },
  ]);
  for (const [id, tokens] of Object.entries({ G: 13, H: 20, I: 1, J: 15, K: 2, M: 1 }))
    assert.equal(heard[id]?.tokenTimesUs.length, tokens);
  assert.deepEqual([engine.load().preemptions, engine.load().usedBlocks], [2, 0]);
});

test('0.5: fewer are retracted, and one that has ended makes room at once, worked by hand', async () => {
  const { steps } = await run(140, { ...TIGHT, rules: SGLANG_VERSIONS['0.5'].rules }, TIGHT_ARRIVALS);
  const from = steps.findIndex(({ preempted }) => preempted.length > 0);
  assert.deepEqual(steps.slice(from, from + 6), [
    // With J gone, 30 are free, and two decode. The ratio is (22 + 40) / (60 + 1), at most 1.
    { ...NOTHING, begin_us: 3090, stage_us: 120, decode: ['H', 'G'], preempted: ['J'], free_blocks: 28, waiting: 2 },
    // Left for K: 28 - (28 + 8), none.
    { ...NOTHING, begin_us: 3210, stage_us: 120, decode: ['H', 'G'], free_blocks: 26, waiting: 2 },
    // G has ended, and is not in the way: left for K, and a token to spare, 88 - 27 - 5 - 1 = 55. For J, which may
    // generate 5 more, 88 - 30 - 27 - 6 - 6 = 19 are left, and it lacks 30.
    { ...NOTHING, begin_us: 3330, stage_us: 400, prefill: [p('K', 30)], free_blocks: 58, waiting: 1 },
    { ...NOTHING, begin_us: 3730, stage_us: 120, decode: ['H', 'K'], free_blocks: 56, waiting: 1 },
    // So has K.
    { ...NOTHING, begin_us: 3850, stage_us: 400, prefill: [p('J', 30)], free_blocks: 57 },
    { ...NOTHING, begin_us: 4250, stage_us: 120, decode: ['H', 'J'], free_blocks: 55 },
  ]);
});

test('decided ahead, 0.4 computes every request once more, and 0.5 one that ends before its maximum', async () => {
  for (const [version, maxTokens, iterations] of [
    ['0.4', 3, 4],
    ['0.5', 3, 3],
    ['0.5', 9, 4],
  ] as const) {
    const { rules, ahead } = SGLANG_VERSIONS[version];
    const parts = { policy: () => sglang({ ...TIGHT, rules }), memory: () => new RadixCache(140), ahead };
    const row = { id: 'A', atUs: 0, inputTokens: 10, outputTokens: 3, maxTokens };
    const { entries, heard, engine } = await runTrace((context) => testEngine(context, parts), [row]);
    assert.equal(entries.length, iterations, `${version}, ${maxTokens}`);
    assert.deepEqual(heard['A']?.tokenTimesUs, [200, 310, 420]);
    assert.equal(engine.load().usedBlocks, 0);
  }
});

describe('the new-token ratio', () => {
  test('begins at 0.7, or less, or 1, and falls to 0.14 of that in 600 steps', () => {
    for (const [conservativeness, initial] of [
      [1, 0.7],
      [0.5, 0.35],
      [2, 1],
    ] as const) {
      const ratio = new NewTokenRatio(conservativeness);
      assert.equal(ratio.value, initial);
      for (let step = 0; step < 300; step++) ratio.decay();
      assert.ok(Math.abs(ratio.value - (initial * 1.14) / 2) < 1e-9);
      for (let step = 0; step < 400; step++) ratio.decay();
      assert.ok(Math.abs(ratio.value - initial * 0.14) < 1e-9);
      ratio.reset();
      assert.equal(ratio.value, initial);
    }
  });
});

test('its defaults follow the version, the device and the degree, as in SGLang', () => {
  const optionsOf = (spec: string) => {
    const { options } = parseEngineSpec(spec);
    return ['kv_fraction', 'chunked_prefill_size'].map((key) => options[key]);
  };
  assert.deepEqual(optionsOf('sglang,version=0.4'), [0.88, 8192]);
  assert.deepEqual(optionsOf('sglang,version=0.4,tp=4'), [0.85, 8192]);
  assert.deepEqual(optionsOf('sglang,version=0.4,gpu=a10'), [0.88, 2048]);
  // (81,920 - 512 - 12,288 - 128 - 512 - 58 x 8) / 81,920 MiB.
  assert.deepEqual(optionsOf('sglang'), [0.83, 8192]);
  // (81,920 - 512 - 12,288 - 512 - 1024 - 58 x 8) / 81,920.
  assert.deepEqual(optionsOf('sglang,tp=4'), [0.819, 8192]);
  // (184,320 - 512 - 24,576 - 128 - 1024 - 74 x 8) / 184,320.
  assert.deepEqual(optionsOf('sglang,gpu=b200-sxm'), [0.854, 16_384]);
  // 24e9 bytes are 22,888.2 MiB: (22,888.2 - 512 - 6144 - 128 - 96 - 50 x 8) / 22,888.2.
  assert.deepEqual(optionsOf('sglang,gpu=a10'), [0.682, 4096]);
  const { schedule_policy, lpm_limit, max_prefill_tokens, max_running_requests } = parseEngineSpec('sglang').options;
  assert.deepEqual([schedule_policy, lpm_limit, max_prefill_tokens, max_running_requests], ['fcfs', 128, 16384, 2048]);
  // 0.88 x 80 GiB - 16.06 GB of weights, over 131,072 bytes.
  const spec = parseEngineSpec('sglang,version=0.4,gpu=a100-sxm-80g');
  assert.equal(createEngine(spec, { clock: new VirtualClock() }).load().capacityBlocks, 454_188);
});

test('batches that share the memory give way to each other: with stages, all requests end', async () => {
  const spec = parseEngineSpec('sglang,pp=4,kv_tokens=300,chunked_prefill_size=64,schedule_conservativeness=0.1');
  const rows = Array.from({ length: 60 }, (_, i) => {
    const inputTokens = 40 + ((i * 37) % 200);
    return { id: `r${i}`, atUs: i * 2000, inputTokens, outputTokens: Math.min(300 - inputTokens, 5 + ((i * 53) % 90)) };
  });
  const { heard, engine } = await runTrace((context) => createEngine(spec, context), rows);
  for (const { id, outputTokens } of rows) assert.equal(heard[id]?.tokenTimesUs.length, outputTokens);
  assert.ok(engine.load().preemptions > 10, `${engine.load().preemptions} preemptions`);
  assert.equal(engine.load().usedBlocks, 0);
});
