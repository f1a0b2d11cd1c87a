import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { distserveDecode, distservePrefill } from '../../../src/engine/policies/distserve.ts';
import { pullBelow } from '../../../src/engine/cluster/kv-admission.ts';
import type { MovePace } from '../../../src/engine/cluster/kv-receiver.ts';
import { arrive, type RecordingListener } from '../small-engine.ts';
import { linesOf, type SmallDisaggregated } from './small-disaggregated.ts';

/**
 * Blocks of 4 tokens. Two instances for prompts: 10 blocks, L_m of 16 tokens, 3 prompts at most. One that decodes: 20
 * blocks, of which those that wait may hold less than 5 %: less than one, so that a prompt is fetched when the one
 * before it runs. An iteration takes 100 us and 10 us a token, a transfer 20 us and 10 us a token. Worked by hand from
 * the rules.
 */
test('twelve requests, worked by hand', async () => {
  const { lines, heard, engine } = await linesOf(
    {
      blockTokens: 4,
      prefill: {
        count: 2,
        capacityBlocks: 10,
        policy: () => distservePrefill({ batchSize: 3, batchTokens: 16 }),
      },
      decode: { count: 1, capacityBlocks: 20, policy: () => distserveDecode({ batchSize: 4, countsTwice: false }) },
      admission: pullBelow(0.05),
      pace: 'in-turn',
    },
    {
      A: [0, 8, 6],
      B: [0, 6, 5],
      C: [0, 20, 4],
      E: [50, 5, 3],
      F: [60, 12, 4],
      G: [70, 4, 2],
      I: [400, 3, 7],
      J: [410, 16, 3],
      K: [425, 10, 2],
      L: [1000, 4, 1],
      M: [1010, 16, 1],
      N: [1015, 2, 1],
    },
  );
  assert.deepEqual(lines, [
    // A to the first, B to the second, C (a tie) to the first: with it there would be 28 tokens.
    ['prefill-0', 0, 180, 'A+8@0', '', '', 8, 1],
    ['prefill-1', 0, 160, 'B+6@0', '', '', 8, 0],
    // E and G came to the second, whose queue was shorter each time. B, 2 blocks, stays until it is fetched, at 240.
    ['prefill-1', 160, 190, 'E+5@0 G+4@0', '', '', 5, 0],
    // A is through, and blocked: B is on its way. C, longer than L_m, runs alone.
    ['prefill-0', 180, 300, 'C+20@0', '', '', 3, 1],
    // B has come. Nobody waits any more, so A is fetched now, until 340: while B decodes.
    ['decode-0', 240, 110, '', 'B', '', 18, 0],
    ['decode-0', 350, 120, '', 'B A', '', 15, 0],
    // I comes where nobody is left: C and F are in the other queue. E, fetched from 350 to 420, and G are still there.
    ['prefill-1', 400, 130, 'I+3@0', '', '', 6, 0],
    // B's ninth token takes a third block.
    ['decode-0', 470, 130, '', 'B A E', '', 12, 0],
    // With K there would be 22 tokens. C holds 5 blocks until it is fetched.
    ['prefill-0', 480, 220, 'F+12@0', '', '', 2, 1],
    // G is still on its way for this very moment, and I waits behind C.
    ['prefill-1', 530, 260, 'J+16@0', '', '', 4, 0],
    // C is fetched now, until 820; I, though small, is behind it.
    ['decode-0', 600, 140, '', 'B A E G', '', 10, 0],
    // From 700 on the first could compute K, and does not: C and F leave 2 of its blocks, and K takes 3.
    // B, E and G have ended; C's 5 blocks are taken here too while they move.
    ['decode-0', 740, 110, '', 'A', '', 12, 0],
    ['prefill-0', 820, 200, 'K+10@0', '', '', 4, 0],
    ['decode-0', 850, 120, '', 'A C', '', 10, 0],
    ['decode-0', 970, 120, '', 'C I', '', 13, 0],
    // L, M and N end with their first token: they never move.
    ['prefill-1', 1000, 140, 'L+4@0', '', '', 5, 0],
    ['prefill-0', 1020, 260, 'M+16@0', '', '', 0, 0],
    // F is on its way with 3 blocks.
    ['decode-0', 1090, 120, '', 'C I', '', 9, 0],
    ['prefill-1', 1140, 120, 'N+2@0', '', '', 5, 0],
    ['decode-0', 1210, 120, '', 'I F', '', 14, 0],
    // J is, with 4.
    ['decode-0', 1330, 120, '', 'I F', '', 10, 0],
    ['decode-0', 1450, 130, '', 'I F J', '', 9, 0],
    ['decode-0', 1580, 130, '', 'I J K', '', 9, 0],
  ]);
  assert.deepEqual(heard['A']?.tokenTimesUs, [180, 470, 600, 740, 850, 970]);
  assert.deepEqual(heard['A']?.completions[0]?.phases, {
    prefill_queue_us: 0,
    prefill_us: 180,
    transfer_us: 100,
    decode_queue_us: 60 + 10, // until it was fetched, and until B's iteration was over
    decode_us: 620,
  });
  assert.deepEqual(heard['C']?.completions[0]?.phases, {
    prefill_queue_us: 180,
    prefill_us: 300,
    transfer_us: 220,
    decode_queue_us: 120 + 30,
    decode_us: 360,
  });
  assert.deepEqual(heard['M']?.completions[0]?.phases, {
    prefill_queue_us: 10,
    prefill_us: 260,
    transfer_us: null,
    decode_queue_us: null,
    decode_us: 0,
  });
  assert.equal(engine.load().usedBlocks, 0);
});

/** The one that decodes has 8 blocks; to copy one to the host or back takes 30 us. Worked by hand. */
test('the last is swapped to the host when memory runs out, and comes back before anyone new', async () => {
  const { lines, heard, engine } = await linesOf(
    {
      blockTokens: 4,
      prefill: { count: 1, capacityBlocks: 100, policy: () => distservePrefill({ batchSize: 8, batchTokens: 100 }) },
      decode: { count: 1, capacityBlocks: 8, policy: () => distserveDecode({ batchSize: 4, countsTwice: false }) },
      admission: pullBelow(0.05),
    },
    { A: [0, 7, 13], B: [0, 7, 10], C: [0, 7, 3], G: [1700, 2, 3] },
  );
  assert.deepEqual(lines, [
    ['prefill-0', 0, 310, 'A+7@0 B+7@0 C+7@0', '', '', 94, 0],
    ['decode-0', 400, 110, '', 'A', '', 6, 0],
    ['decode-0', 510, 120, '', 'A B', '', 3, 0],
    ['decode-0', 630, 130, '', 'A B C', '', 0, 0],
    // C's ninth token finds no block, and nobody is behind it. It would need 3 now, and 2 are free.
    ['decode-0', 760, 120 + 2 * 30, '', 'A B', 'C', 2, 0],
    ['decode-0', 940, 120, '', 'A B', '', 2, 0],
    ['decode-0', 1060, 120, '', 'A B', '', 1, 0],
    ['decode-0', 1180, 120, '', 'A B', '', 0, 0],
    ['decode-0', 1300, 120, '', 'A B', '', 0, 0],
    ['decode-0', 1420, 120, '', 'A B', '', 0, 0],
    // A's 17th token: B goes with 4 blocks, and C, who went first, is first back, with 3.
    ['decode-0', 1540, 120 + 7 * 30, '', 'A C', 'B', 0, 0],
    ['prefill-0', 1700, 120, 'G+2@0', '', '', 99, 0],
    // C has ended. B needs 4 blocks and there are 3; G is fetched.
    ['decode-0', 1870, 110, '', 'A', '', 3, 0],
    // G would fit, and waits for B.
    ['decode-0', 1980, 110, '', 'A', '', 2, 1],
    ['decode-0', 2090, 120 + 4 * 30, '', 'B G', '', 3, 0],
    ['decode-0', 2330, 110, '', 'G', '', 7, 0],
  ]);
  assert.deepEqual(heard['C']?.tokenTimesUs, [310, 760, 1870]);
  assert.deepEqual([engine.load().usedBlocks, engine.load().preemptions], [0, 2]);
});

describe('the one that decodes', () => {
  test('takes who waits rather than stand still, though a swapped one that does not fit is before it', async () => {
    const { lines } = await linesOf(
      {
        blockTokens: 4,
        prefill: { count: 1, capacityBlocks: 100, policy: () => distservePrefill({ batchSize: 8, batchTokens: 100 }) },
        decode: { count: 1, capacityBlocks: 4, policy: () => distserveDecode({ batchSize: 4, countsTwice: false }) },
        admission: pullBelow(0.05),
      },
      { A: [0, 7, 3], B: [0, 7, 2] },
    );
    assert.deepEqual(lines, [
      ['prefill-0', 0, 240, 'A+7@0 B+7@0', '', '', 96, 0],
      // B is fetched meanwhile and takes the other two blocks.
      ['decode-0', 330, 110, '', 'A', '', 2, 0],
      // A's ninth token finds none: it is swapped, and would need 3.
      ['decode-0', 440, 110 + 2 * 30, '', 'B', 'A', 2, 0],
      ['decode-0', 610, 110 + 3 * 30, '', 'A', '', 1, 0],
    ]);
  });

  test('waits for what was swapped though nothing ran then', async () => {
    const { heard } = await linesOf(
      {
        blockTokens: 4,
        prefill: { count: 1, capacityBlocks: 100, policy: () => distservePrefill({ batchSize: 8, batchTokens: 100 }) },
        decode: { count: 1, capacityBlocks: 5, policy: () => distserveDecode({ batchSize: 4, countsTwice: false }) },
        admission: pullBelow(0.05),
      },
      { A: [0, 7, 3], B: [0, 11, 2] },
    );
    // A moves from 280 to 370 and decodes to 480; B moves from 370 to 500 and has the other 3 blocks. A, at 480, finds
    // none for its ninth token: its 2 blocks are copied before B's iteration, 3 before its own.
    assert.deepEqual(heard['B']?.tokenTimesUs, [280, 500 + 110 + 2 * 30]);
    assert.deepEqual(heard['A']?.tokenTimesUs, [280, 480, 670 + 110 + 3 * 30]);
  });
});

/** One instance of each kind with as much memory as wanted; the one that decodes takes `batchSize` requests. */
function plain(pace: MovePace, batchSize: number): SmallDisaggregated {
  return {
    blockTokens: 4,
    prefill: { count: 1, capacityBlocks: 100, policy: () => distservePrefill({ batchSize: 8, batchTokens: 100 }) },
    decode: { count: 1, capacityBlocks: 100, policy: () => distserveDecode({ batchSize, countsTwice: false }) },
    admission: pullBelow(1),
    pace,
  };
}

describe('a prompt that moves', () => {
  /** A decodes from 160 on, 110 us a token. B's prompt is computed at 300, and moves in 100 us. */
  const REQUESTS = { A: [0, 2, 6], B: [100, 8, 2] } as const;

  test('between iterations stops those that decode', async () => {
    const { heard } = await linesOf(plain('between-iterations', 8), REQUESTS);
    // It begins to move at 380, when A's iteration is over; the next, with both, begins at 480.
    assert.deepEqual(heard['A']?.tokenTimesUs, [120, 270, 380, 600, 710, 820]);
    assert.deepEqual(heard['B']?.tokenTimesUs, [300, 600]);
  });

  test('beside them delays none', async () => {
    const { heard } = await linesOf(plain('in-turn', 8), REQUESTS);
    assert.deepEqual(heard['A']?.tokenTimesUs, [120, 270, 380, 490, 610, 720]);
    assert.deepEqual(heard['B']?.tokenTimesUs, [300, 610]);
  });

  for (const [pace, first] of [
    ['between-iterations', 'A'],
    ['in-turn', 'A'],
    ['as-they-come', 'B'],
  ] as const)
    test(`${pace}: of a long one and a short one behind it ${first} decodes first`, async () => {
      const { lines } = await linesOf(plain(pace, 1), { A: [0, 40, 3], B: [0, 2, 3] });
      const decodes = lines.filter(([instance]) => instance === 'decode-0').map(([, , , , decode]) => decode);
      assert.deepEqual(decodes, first === 'A' ? ['A', 'A', 'B', 'B'] : ['B', 'B', 'A', 'A']);
    });

  test('several may be on their way while an iteration waits, and all of them join it', async () => {
    const { lines } = await linesOf(plain('between-iterations', 8), { A: [0, 2, 2], B: [0, 3, 2], C: [0, 4, 2] });
    // Computed at 190; they move in 40, 50 and 60 us.
    assert.deepEqual(lines.at(-1), ['decode-0', 340, 130, '', 'A B C', '', 96, 0]);
  });
});

test('where blocks are counted twice, a prompt that has come joins when as many are free as it holds', async () => {
  // Both are computed at 320. A decodes from 450 to 890, and has 4 blocks since 560; B, which has 3, comes at 580.
  for (const [countsTwice, capacityBlocks, atUs] of [
    [false, 8, 670],
    [true, 10, 670],
    [true, 9, 890],
  ] as const) {
    const policy = () => distserveDecode({ batchSize: 8, countsTwice });
    const { lines } = await linesOf(
      { ...plain('in-turn', 8), decode: { count: 1, capacityBlocks, policy } },
      { A: [0, 11, 5], B: [0, 11, 3] },
    );
    assert.equal(lines.find(([, , , , decode]) => decode.includes('B'))?.[1], atUs, `${capacityBlocks} blocks`);
  }
});

describe('options', () => {
  test('are those of its evaluation', () => {
    const { options } = parseEngineSpec('distserve,prefill=2,prefill.tp=2');
    const of = (...keys: readonly string[]): unknown[] => keys.map((key) => options[key]);
    assert.deepEqual(of('prefill', 'prefill.tp', 'decode', 'decode.tp'), [2, 2, 1, 1]);
    assert.deepEqual(of('prefill.batch_tokens', 'prefill.batch_size', 'decode.batch_size'), [512, 128, 1024]);
    assert.deepEqual(of('transfer', 'double_count'), ['between', 'off']);
    assert.deepEqual(of('waiting_share', 'kv_fraction', 'block_tokens', 'link'), [0.05, 0.95, 16, 'node']);
  });

  test('give it the KV memory that its simulator has, within 2 %', () => {
    const load = createEngine(parseEngineSpec('distserve,model=opt-13b,gpu=a100-sxm-80g'), {
      clock: new VirtualClock(),
    }).load();
    // Two instances of 66,144 tokens.
    assert.ok(Math.abs((load.capacityBlocks * 16) / (2 * 66_144) - 1) < 0.02, `${load.capacityBlocks} blocks`);
  });

  test('say whether a transfer stops decodes', async () => {
    for (const [transfer, longestMs] of [
      ['between', [84, 100]],
      ['beside', [0, 20]],
    ] as const) {
      const clock = new VirtualClock();
      const spec = parseEngineSpec(`distserve,link=25gbps,host_fixed_us=0,transfer=${transfer}`);
      const engine = createEngine(spec, { clock });
      const decodes = arrive(clock, engine, 0, 100, 60);
      // 2,000 tokens of 131,072 bytes take 83.9 ms.
      arrive(clock, engine, 100_000, 2000, 2);
      await clock.run(() => false);
      const gaps = decodes.tokenTimesUs.map((time, i) => time - (decodes.tokenTimesUs[i - 1] ?? time));
      const ms = Math.max(...gaps.slice(2)) / 1000;
      assert.ok(ms >= longestMs[0] && ms <= longestMs[1], `${transfer}: ${ms} ms`);
    }
  });

  test('to swap takes as long as the blocks take over PCIe', async () => {
    // 100 blocks where it decodes: the second has 50 of them and wants one more, when the first has the other 50.
    const clock = new VirtualClock();
    const engine = createEngine(parseEngineSpec('distserve,kv_tokens=1600,prefill.batch_tokens=1600,host_fixed_us=0'), {
      clock,
    });
    const stays = arrive(clock, engine, 0, 780, 40);
    const swapped = arrive(clock, engine, 0, 784, 40);
    await clock.run(() => false);
    assert.equal(engine.load().preemptions, 1);
    const gapsUs = ({ tokenTimesUs }: RecordingListener): number[] =>
      tokenTimesUs.slice(1).map((time, i) => time - (tokenTimesUs[i] ?? Number.NaN));
    const usual = gapsUs(stays).toSorted((a, b) => a - b)[20] ?? Number.NaN;
    const longest = Math.max(...gapsUs(stays).slice(1));
    // 50 blocks of 16 tokens of 131,072 bytes, at 80 % of 64 GB/s.
    assert.ok(Math.abs(longest - usual - (50 * 16 * 131_072) / (0.8 * 64e3)) < 0.02 * usual, `${longest} ${usual}`);
    assert.equal(swapped.tokenTimesUs.length, 40);
  });
});
