import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VirtualClock } from '../../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../../src/engine/index.ts';
import { vllmV1 } from '../../../src/engine/policies/vllm-v1.ts';
import { arrive, RecordingListener, whenFree } from '../small-engine.ts';
import { linesOf } from './small-disaggregated.ts';

/**
 * Blocks of 4 tokens. Two instances for prompts, in turn: 8 blocks, 8 tokens an iteration. One that decodes: 10 blocks,
 * 16 tokens an iteration, 3 requests at a time. The third transfer to end brings nothing. An iteration takes 100 us and
 * 10 us a token, a transfer 20 us and 10 us a token, those of a pair share its link. Worked by hand from the rules.
 */
test('prompts and decodes apart, worked by hand', async () => {
  let ended = 0;
  const { lines, heard, engine } = await linesOf(
    {
      blockTokens: 4,
      prefill: {
        count: 2,
        capacityBlocks: 8,
        policy: () => vllmV1({ tokenBudget: 8, maxSeqs: 4, reservePrompts: false }),
      },
      decode: {
        count: 1,
        capacityBlocks: 10,
        policy: () => vllmV1({ holdersFirst: true, tokenBudget: 16, maxSeqs: 3, reservePrompts: false }),
      },
      router: 'round-robin',
      admission: whenFree,
      repeatsFirstToken: true,
      isLost: () => ++ended === 3,
    },
    { A: [0, 10, 4], B: [0, 6, 3], C: [0, 5, 5], E: [100, 8, 6], F: [600, 4, 2], G: [900, 9, 1] },
  );
  assert.deepEqual(lines, [
    // Chunks, as vLLM v1 has them: A's prompt is cut at 8 tokens, and C waits behind it.
    ['prefill-0', 0, 180, 'A+8@0', '', '', 6, 1],
    ['prefill-1', 0, 160, 'B+6@0', '', '', 6, 0],
    ['prefill-1', 160, 180, 'E+8@0', '', '', 4, 0],
    ['prefill-0', 180, 170, 'A+2@8 C+5@0', '', '', 3, 0],
    // B moved from 160 to 240. Its token there was thrown away, so the last of its prompt is computed again, at the price of a decode.
    ['decode-0', 240, 110, '', 'B', '', 8, 0],
    // E, A and C are on their way with 2, 3 and 2 blocks: nothing holds them up but memory.
    ['decode-0', 350, 110, '', 'B', '', 1, 0],
    ['decode-0', 460, 120, '', 'B E', '', 1, 0],
    // C came at 470 with nothing, and computes its prompt here; A, half as fast meanwhile, at 520.
    ['decode-0', 580, 170, 'C+5@0', 'E A', '', 2, 0],
    ['prefill-0', 600, 140, 'F+4@0', '', '', 7, 0],
    ['decode-0', 750, 130, '', 'E C A', '', 1, 0],
    // F has come; three run.
    ['decode-0', 880, 130, '', 'E C A', '', 1, 1],
    ['prefill-1', 900, 180, 'G+8@0', '', '', 6, 0],
    ['decode-0', 1010, 130, '', 'E C A', '', 0, 1],
    ['prefill-1', 1080, 110, 'G+1@8', '', '', 5, 0],
    // A has ended. E and C take a block each.
    ['decode-0', 1140, 130, '', 'E C F', '', 2, 0],
    // G needs 3 blocks and is let in after this: from 1270 to 1380.
    ['decode-0', 1270, 110, '', 'F', '', 8, 0],
    ['decode-0', 1380, 110, '', 'G', '', 7, 0],
  ]);
  assert.deepEqual(heard['B']?.tokenTimesUs, [350, 460, 580]);
  assert.deepEqual(heard['C']?.tokenTimesUs, [750, 880, 1010, 1140, 1270]);
  assert.deepEqual(heard['G']?.tokenTimesUs, [1490]);
  assert.deepEqual(heard['A']?.completions[0]?.phases, {
    prefill_queue_us: 0,
    prefill_us: 350,
    transfer_us: 170,
    decode_queue_us: 60,
    decode_us: 560,
  });
  assert.deepEqual(heard['G']?.completions[0]?.phases, {
    prefill_queue_us: 0,
    prefill_us: 290,
    transfer_us: 110,
    decode_queue_us: 80,
    decode_us: 110,
  });
  assert.equal(engine.load().usedBlocks, 0);
});

/** The one that decodes has 5 blocks. Worked by hand. */
test('who is preempted where it decodes is computed again there, before anyone new is let in', async () => {
  const { lines } = await linesOf(
    {
      blockTokens: 4,
      prefill: {
        count: 1,
        capacityBlocks: 100,
        policy: () => vllmV1({ tokenBudget: 100, maxSeqs: 8, reservePrompts: false }),
      },
      decode: {
        count: 1,
        capacityBlocks: 5,
        policy: () => vllmV1({ holdersFirst: true, tokenBudget: 100, maxSeqs: 8, reservePrompts: false }),
      },
      admission: whenFree,
      repeatsFirstToken: true,
    },
    { A: [0, 7, 8], B: [0, 7, 3], C: [530, 4, 1] },
  );
  assert.deepEqual(lines, [
    ['prefill-0', 0, 240, 'A+7@0 B+7@0', '', '', 96, 0],
    // Both moved at half speed, from 260 to 400.
    ['decode-0', 400, 120, '', 'A B', '', 1, 0],
    ['decode-0', 520, 120, '', 'A B', '', 1, 0],
    ['prefill-0', 530, 140, 'C+4@0', '', '', 99, 0],
    // A takes the last block; B, the last admitted, finds none and loses its own.
    ['decode-0', 640, 110, '', 'A', 'B', 2, 1],
    // C could have one of the two blocks, and B, which needs 3, is before it.
    ['decode-0', 750, 110, '', 'A', '', 2, 1],
    ['decode-0', 860, 110, '', 'A', '', 2, 1],
    ['decode-0', 970, 110, '', 'A', '', 2, 1],
    ['decode-0', 1080, 110, '', 'A', '', 1, 1],
    ['decode-0', 1190, 110, '', 'A', '', 1, 1],
    ['decode-0', 1300, 190, 'B+9@0', '', '', 2, 0],
    ['decode-0', 1490, 110, '', 'C', '', 4, 0],
  ]);
});

describe('options', () => {
  test('are those of vLLM v1 for both roles, with a link between', () => {
    const { options } = parseEngineSpec('vllm-pd,prefill=2,decode.tp=2');
    const of = (...keys: readonly string[]): unknown[] => keys.map((key) => options[key]);
    assert.deepEqual(of('prefill', 'decode', 'prefill.tp', 'decode.tp', 'link'), [2, 1, 1, 2, 'node']);
    assert.deepEqual(of('token_budget', 'max_seqs', 'prefix_caching'), [8192, 1024, 'on']);
  });

  /** Of one prompt of 4,096 tokens that has the link to itself. */
  async function transferMs(spec: string): Promise<number> {
    const clock = new VirtualClock();
    const engine = createEngine(parseEngineSpec(spec), { clock });
    const heard = arrive(clock, engine, 0, 4096, 2);
    await clock.run(() => false);
    return (heard.completions[0]?.phases.transfer_us ?? Number.NaN) / 1000;
  }

  test('link: the bytes of the prompt over its bandwidth', async () => {
    // llama-3.1-8b: 131,072 bytes a token; 25 Gbit/s; 10 us until the first byte moves.
    assert.ok(Math.abs((await transferMs('vllm-pd,link=25gbps')) - (0.01 + (4096 * 131_072 * 8) / 25e6)) < 1e-6);
    // NVLink of H100, 450 GB/s at 91 %.
    assert.ok(Math.abs((await transferMs('vllm-pd')) - (0.01 + (4096 * 131_072) / (450e6 * 0.91))) < 1e-6);
    // Two GPUs on each side, each with a link of its own.
    assert.ok(Math.abs((await transferMs('vllm-pd,tp=2')) - (0.01 + (4096 * 131_072) / (900e6 * 0.91))) < 1e-6);
  });

  test('only what the cache of the other side lacks is moved', async () => {
    const clock = new VirtualClock();
    const engine = createEngine(parseEngineSpec('vllm-pd,link=25gbps'), { clock });
    const request = {
      inputTokens: 4096,
      content: { pieces: [1, 2], pieceTokens: 2048 },
      maxTokens: 2,
      trueOutputTokens: 2,
    };
    const heard = [new RecordingListener(), new RecordingListener()];
    for (const [i, one] of heard.entries()) clock.at(i * 1e7, () => engine.submit({ id: String(i), ...request }, one));
    await clock.run(() => false);
    // The last block is computed anew on both sides, for the next token is to come out.
    assert.deepEqual(
      heard.map(({ completions }) => completions[0]?.cachedTokens),
      [0, 4096 - 16],
    );
    const [all = 0, rest = 0] = heard.map(({ completions }) => completions[0]?.phases.transfer_us ?? 0);
    assert.ok(Math.abs((all - 10) / (rest - 10) - 4096 / 16) < 1e-6);
  });

  test('a link that is none is refused', () => {
    for (const link of ['fast', '0gbps', 'gbps', '-1gbps', '25'])
      assert.throws(() => parseEngineSpec(`vllm-pd,link=${link}`), {
        message: `reference engine: link=${link} is not node, or a number above 0 with gbps behind it, e.g. 25gbps`,
      });
  });
});
