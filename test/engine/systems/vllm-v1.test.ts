import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import type { IterationEntry } from '../../../src/engine/instance/iteration-log.ts';
import { PrefixCachingBlockPool } from '../../../src/engine/kv/prefix-caching-block-pool.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { runTrace, testEngine, type Row } from '../small-engine.ts';

/** `begins`: what a prompt begins with, in pieces of four tokens; the rest of it is its own. */
function row(id: string, atUs: number, inputTokens: number, begins: readonly number[], outputTokens: number): Row {
  const content = begins.length === 0 ? null : { pieces: begins, pieceTokens: 4 };
  return { id, atUs, inputTokens, outputTokens, content };
}

const ROWS: readonly Row[] = [
  row('A', 0, 20, [1, 2, 3, 4], 4),
  row('B', 0, 12, [1, 2, 9], 3),
  row('C', 0, 10, [1, 2], 2),
  row('D', 0, 14, [1, 2, 9], 1),
  row('E', 300, 16, [5, 6, 7, 8], 2),
  row('F', 700, 14, [1, 2, 9], 6),
  row('G', 900, 17, [5, 6, 7, 8], 8),
  row('H', 900, 8, [1, 2], 5),
  row('I', 1100, 13, [1, 2, 3], 1),
  row('K', 1800, 9, [], 6),
  row('J', 1850, 9, [], 4),
  row('L', 2200, 21, [5, 6, 7, 8], 4),
];

/** 12 blocks of 4 tokens, 16 tokens an iteration, 4 requests at a time; an iteration takes 100 us and 10 us a token. */
async function run(): Promise<{ log: IterationEntry[]; cached: Record<string, number | undefined> }> {
  const parts = {
    policy: () => vllmV1({ tokenBudget: 16, maxSeqs: 4, reservePrompts: false }),
    memory: () => new PrefixCachingBlockPool(12, 4),
  };
  const { entries, heard } = await runTrace((context) => testEngine(context, parts), ROWS);
  const cached = Object.entries(heard).map(([id, one]) => [id, one.completions[0]?.cachedTokens] as const);
  return { log: entries, cached: Object.fromEntries(cached) };
}

/** `A 16` computes its first 16 tokens, `A 4 after 16` the next four. */
function step(
  begin_us: number,
  stage_us: number,
  prefill: readonly string[],
  decode: string,
  left: { readonly free: number; readonly waiting: number; readonly preempted?: string },
): IterationEntry {
  return {
    instance: '0',
    begin_us,
    stage_us,
    prefill: prefill.map((text) => {
      const [id = '', tokens, , past = 0] = text.split(' ');
      return { id, tokens: Number(tokens), past: Number(past) };
    }),
    decode: [...decode],
    preempted: [...(left.preempted ?? '')],
    free_blocks: left.free,
    waiting: left.waiting,
  };
}

/** Worked out on paper from systems.md 1.2 and the rules of the block pool, block by block. */
const STEPS: readonly IterationEntry[] = [
  // A's prompt takes the whole budget: a chunk of 16 in 4 blocks; nothing is left for B, C and D.
  step(0, 260, ['A 16'], '', { free: 8, waiting: 3 }),
  // The running come first: the rest of A. B and C begin with A's first two blocks, 8 tokens; D finds B's third too,
  // which B was given in this very step. Each of the four takes one new block.
  step(260, 220, ['A 4 after 16', 'B 4 after 8', 'C 2 after 8', 'D 2 after 12'], '', { free: 4, waiting: 0 }),
  // D has ended: 5 free. A and B fill a block each and need the next. E could compute 13 tokens of its 16, which takes 4
  // blocks, and 3 are left.
  step(480, 130, [], 'ABC', { free: 3, waiting: 1 }),
  // C has ended: its own block is free, the two that it shared are not. E's chunk ends within a block, at 14.
  step(610, 260, ['E 14'], 'AB', { free: 0, waiting: 0 }),
  // B has ended: its last block and its third, which only a cache holds now, are free. F begins like B: two blocks that
  // A uses, and that third, taken from the free ones as is one new block.
  step(870, 150, ['E 2 after 14', 'F 2 after 12'], 'A', { free: 0, waiting: 0 }),
  // A has ended; four of its blocks are free, the end of its prompt first. E takes one. G finds all four blocks of E and
  // computes one token. H could find both of its blocks, but its last token has to be computed: one. Its new block is
  // A's fourth, which is forgotten.
  step(1020, 170, ['G 1 after 16', 'H 4 after 4'], 'EF', { free: 1, waiting: 0 }),
  // E has ended: one more is free. H goes on to its third block, which was A's third: that is forgotten too, so that I,
  // which begins like A, finds two blocks and would need two more, of which there is one.
  step(1190, 130, [], 'FGH', { free: 1, waiting: 1 }),
  // F takes the last.
  step(1320, 130, [], 'FGH', { free: 0, waiting: 1 }),
  step(1450, 130, [], 'FGH', { free: 0, waiting: 1 }),
  // G needs a sixth block: H, admitted last, is preempted and is ahead of I. Nobody is admitted. H held two blocks of its
  // own, G takes one of them.
  step(1580, 120, [], 'FG', { free: 1, waiting: 2, preempted: 'H' }),
  // F has ended and leaves five blocks. H computes its 8 + 4 tokens again, of which two blocks are found; I finds them.
  step(1700, 200, ['H 4 after 8', 'I 5 after 8'], 'G', { free: 1, waiting: 0 }),
  // H and I have ended. K and J begin like no one; they take blocks that only the cache holds, the oldest first.
  step(1900, 260, ['K 9', 'J 6'], 'G', { free: 1, waiting: 0 }),
  step(2160, 150, ['J 3 after 6'], 'GK', { free: 0, waiting: 0 }),
  // G has ended, 6 are free, four of them with what L begins with; the others become new ones of L.
  step(2310, 170, ['L 5 after 16'], 'KJ', { free: 0, waiting: 0 }),
  step(2480, 130, [], 'KJL', { free: 0, waiting: 0 }),
  // K needs a fourth block: L is preempted, and K takes the last block of it, which was not full.
  step(2610, 120, [], 'KJ', { free: 5, waiting: 1, preempted: 'L' }),
  // J has ended: 8 free. L has 21 + 2 tokens to compute, and finds its fifth block, which no one else could, behind the
  // four that others share.
  step(2730, 140, ['L 3 after 20'], 'K', { free: 2, waiting: 0 }),
  step(2870, 110, [], 'L', { free: 6, waiting: 0 }),
];

describe('twelve requests, worked by hand', () => {
  test('every iteration is as the rules have it', async () => {
    const { log } = await run();
    for (const [i, expected] of STEPS.entries()) assert.deepEqual(log[i], expected, `step ${i}`);
    assert.equal(log.length, STEPS.length);
  });

  test('cached tokens are those that the first admission found', async () => {
    const { cached } = await run();
    assert.deepEqual(cached, { A: 0, B: 8, C: 8, D: 12, E: 0, F: 12, G: 16, H: 4, I: 8, K: 0, J: 0, L: 16 });
  });
});

test('prefixes are cached unless it is told not to', async () => {
  const cached = await Promise.all(
    ['vllm-v1', 'vllm-v1,prefix_caching=off'].map(async (spec) => {
      const rows = ['first', 'second'].map((id, i) => ({
        id,
        atUs: i * 1e6,
        inputTokens: 1000,
        outputTokens: 2,
        content: { pieces: [7, 8], pieceTokens: 512 },
      }));
      const { heard } = await runTrace((context) => createEngine(parseEngineSpec(spec), context), rows);
      return rows.map(({ id }) => heard[id]?.completions[0]?.cachedTokens);
    }),
  );
  // 62 whole blocks of 16 tokens lie before the last token.
  assert.deepEqual(cached, [
    [0, 992],
    [0, 0],
  ]);
});
