import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { anyTrace, BLOCK, sourceOf, transformed } from './cases.ts';
import { requestsOf, withTransforms } from '../temporary-files.ts';

const anyFactor = fc.oneof(fc.constantFrom(0.25, 0.5, 1, 2, 3), fc.double({ min: 0.05, max: 8, noNaN: true }));

/** So many leading blocks are the same. */
function shared(a: readonly number[] = [], b: readonly number[] = []): number {
  const differs = a.findIndex((id, i) => id !== b[i]);
  return differs === -1 ? a.length : differs;
}

describe('scale-input', () => {
  it('scales prompts, and gives each the blocks that it fills', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, anyFactor, async (requests, factor) => {
        const scaled = await transformed(requests, { op: 'scale-input', args: { factor } });
        for (const [i, after] of scaled.entries()) {
          const before = requests[i];
          assert.ok(before !== undefined);
          assert.equal(after.inputTokens, Math.max(1, Math.floor(before.inputTokens * factor + 0.5)));
          assert.equal(after.blocks?.length, Math.ceil(after.inputTokens / BLOCK));
          assert.ok(after.blocks?.every((id) => Number.isSafeInteger(id) && id >= 0));
          assert.ok((after.newTokens ?? 0) <= after.inputTokens);
          const { inputTokens: _, newTokens: __, blocks: ___, ...rest } = before;
          assert.deepEqual({ ...after, ...rest }, after);
        }
      }),
    ));

  it('two prompts begin alike for so many times as many tokens, in whole blocks, and not for more', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, anyFactor, async (requests, factor) => {
        const scaled = await transformed(requests, { op: 'scale-input', args: { factor } });
        for (const [i, a] of requests.entries())
          for (const [j, b] of requests.entries()) {
            if (i === j) continue;
            const before = shared(a.blocks, b.blocks);
            const after = shared(scaled[i]?.blocks, scaled[j]?.blocks);
            const isWhole = before === (a.blocks?.length ?? 0) && before === (b.blocks?.length ?? 0);
            if (isWhole) assert.equal(after, scaled[i]?.blocks?.length);
            // Of the common tokens whole blocks are common; the next block has tokens that differ.
            else
              assert.equal(
                after,
                Math.min(Math.floor(before * factor + 1e-9), Math.ceil((scaled[i]?.inputTokens ?? 0) / BLOCK)),
              );
          }
      }),
      { numRuns: 60 },
    ));

  it('an id means nothing without the blocks before it, as in traces whose ids are not chained', async () => {
    const rows = [
      [1, 2, 3, 4],
      [1, 2, 9, 4],
    ].map((blocks, i): Request => ({
      id: `r${i}`,
      traceRow: i + 1,
      dueUs: i,
      inputTokens: 64,
      outputTokens: 1,
      blocks,
    }));
    const [a, b] = await transformed(rows, { op: 'scale-input', args: { factor: 0.5 } });
    assert.equal(a?.blocks?.[0], b?.blocks?.[0]);
    assert.notEqual(a?.blocks?.[1], b?.blocks?.[1]);
  });

  it('rows that name full blocks only have a last block of their own, and need the size of their blocks', async () => {
    const rows = [0, 1].map((i): Request => ({
      id: `r${i}`,
      traceRow: i + 1,
      dueUs: i,
      inputTokens: 40,
      outputTokens: 1,
      blocks: [7, 8],
    }));
    const [a, b] = await transformed(rows, { op: 'scale-input', args: { factor: 2 } });
    assert.deepEqual([a?.blocks?.length, shared(a?.blocks, b?.blocks)], [5, 4]);
    const { blockTokens: _, ...source } = sourceOf(rows);
    const scaled = await withTransforms(source, { op: 'scale-input', args: { factor: 2 } });
    await assert.rejects(requestsOf(scaled.open()), /example\.jsonl:1: --scale-input .*--block-tokens N/);
  });

  it('cuts prompts of token ids, and refuses texts and longer ids, naming the row', async () => {
    const row: Request = {
      id: 'r0',
      traceRow: 3,
      dueUs: 0,
      inputTokens: 4,
      outputTokens: 1,
      prompt: { kind: 'ids', ids: [5, 6, 7, 8] },
    };
    const scale = (request: Request, factor: number): Promise<Request[]> =>
      transformed([request], { op: 'scale-input', args: { factor } });
    assert.deepEqual((await scale(row, 0.5))[0]?.prompt, { kind: 'ids', ids: [5, 6] });
    await assert.rejects(
      scale(row, 2),
      /example\.jsonl:3: --scale-input changes the length of a prompt that the trace gives/,
    );
    await assert.rejects(scale({ ...row, prompt: { kind: 'text', text: 'a b c d' } }, 0.5), /example\.jsonl:3/);
    const clip = { op: 'clip-input', args: { tokens: 2 } };
    await assert.rejects(
      transformed([{ ...row, prompt: { kind: 'messages', messages: [] } }], clip),
      /--clip-input changes/,
    );
  });
});

describe('scale-prefix and scale-unique', () => {
  /** Tokens of the leading blocks that another row has too. */
  const prefixOf = (requests: readonly Request[], row: number): number => {
    const { blocks = [], inputTokens = 0 } = requests[row] ?? {};
    const own = blocks.findIndex((id) => !requests.some((other, i) => i !== row && other.blocks?.includes(id)));
    return Math.min(inputTokens, (own === -1 ? blocks.length : own) * BLOCK);
  };

  it('scale what a prompt has in common with another, and what is behind it, apart', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, anyFactor, anyFactor, async (requests, prefix, unique) => {
        const scaled = await transformed(requests, { op: 'scale-parts', args: { prefix, unique } });
        for (const [i, after] of scaled.entries()) {
          const common = prefixOf(requests, i);
          const own = (requests[i]?.inputTokens ?? 0) - common;
          assert.equal(after.inputTokens, Math.max(1, Math.floor(common * prefix + own * unique + 0.5)));
          assert.equal(after.blocks?.length, Math.ceil(after.inputTokens / BLOCK));
          for (const [j, other] of scaled.entries()) {
            const before = shared(requests[i]?.blocks, requests[j]?.blocks);
            if (i === j || before === requests[i]?.blocks?.length || before === requests[j]?.blocks?.length) continue;
            const most = Math.min(after.blocks?.length ?? 0, other.blocks?.length ?? 0);
            assert.equal(shared(after.blocks, other.blocks), Math.min(most, Math.floor(before * prefix + 1e-9)));
          }
        }
      }),
      { numRuns: 60 },
    ));

  it('alike are scale-input; of a session without blocks, what is not new is in common', async () => {
    await fc.assert(
      fc.asyncProperty(anyTrace, fc.constantFrom(0.5, 2, 3), async (requests, factor) => {
        const [apart, alike] = [
          await transformed(requests, { op: 'scale-parts', args: { prefix: factor, unique: factor } }),
          await transformed(requests, { op: 'scale-input', args: { factor } }),
        ];
        assert.deepEqual(apart, alike);
      }),
      { numRuns: 30 },
    );
    const row: Request = { id: 'r', traceRow: 2, dueUs: 0, inputTokens: 100, outputTokens: 1, newTokens: 30 };
    const [found] = await transformed([row], { op: 'scale-parts', args: { prefix: 0.5, unique: 2 } });
    assert.deepEqual([found?.inputTokens, found?.newTokens], [95, 60]);
  });
});

it('scale-output scales answers and nothing else', () =>
  fc.assert(
    fc.asyncProperty(anyTrace, anyFactor, async (requests, factor) => {
      const scaled = await transformed(requests, { op: 'scale-output', args: { factor } });
      const wanted = requests.map((each) => ({
        ...each,
        outputTokens: Math.max(1, Math.floor(each.outputTokens * factor + 0.5)),
      }));
      assert.deepEqual(scaled, wanted);
    }),
  ));
