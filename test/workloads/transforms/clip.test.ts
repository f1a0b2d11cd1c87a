import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import type { Source } from '../../../src/core/plan.ts';
import type { Request } from '../../../src/core/request.ts';
import { openSource } from '../../../workloads/index.ts';
import { shared } from '../../shared.ts';
import { exampleSource, requestsOf, withTransforms } from '../temporary-files.ts';

const BLOCK = 16;

function withBlocks(requests: readonly Request[], blockTokens: number | null = BLOCK): Source {
  const { blockTokens: _, ...source } = exampleSource([]);
  return {
    ...source,
    ...(blockTokens === null ? {} : { blockTokens }),
    open: async function* () {
      yield requests;
    },
  };
}

function request(row: number, inputTokens: number, blocks?: readonly number[]): Request {
  const given = blocks === undefined ? {} : { blocks };
  return { id: `r${row}`, traceRow: row, dueUs: row, inputTokens, outputTokens: 5, ...given };
}

async function clipInput(source: Source, tokens: number): Promise<Request[]> {
  return requestsOf((await withTransforms(source, { op: 'clip-input', args: { tokens } })).open());
}

/** Rows of prompts that share prefixes as Mooncake's do: an id names a whole prefix and how full its block is. */
const anyPrompts = fc
  .array(fc.record({ tokens: fc.integer({ min: 1, max: 200 }), tree: fc.nat(2), fork: fc.nat(12) }), {
    minLength: 1,
    maxLength: 20,
  })
  .map((prompts) => {
    const ids = new Map<string, number>();
    const id = (key: string): number => ids.get(key) ?? (ids.set(key, ids.size), ids.size - 1);
    return prompts.map(({ tokens, tree, fork }, row) => {
      const blocks = Array.from({ length: Math.ceil(tokens / BLOCK) }, (_, k) =>
        id([k < fork ? tree : `row ${row}`, k, Math.min(BLOCK, tokens - k * BLOCK)].join()),
      );
      return request(row + 1, tokens, blocks);
    });
  });

describe('clip-input', () => {
  it('keeps whole leading blocks, gives a cut one an id that no other row has, and leaves short prompts alone', () =>
    fc.assert(
      fc.asyncProperty(anyPrompts, fc.integer({ min: 1, max: 220 }), async (requests, most) => {
        const clipped = await clipInput(withBlocks(requests), most);
        const known = new Set(requests.flatMap(({ blocks = [] }) => blocks));
        const fresh = clipped.flatMap(({ blocks = [] }) => blocks).filter((id) => !known.has(id));
        assert.equal(new Set(fresh).size, fresh.length, 'no new id twice');
        for (const [i, after] of clipped.entries()) {
          const before = requests[i];
          assert.ok(before !== undefined);
          if (before.inputTokens <= most) {
            assert.deepEqual(after, before);
            continue;
          }
          const whole = Math.floor(most / BLOCK);
          assert.equal(after.inputTokens, most);
          assert.equal(after.blocks?.length, Math.ceil(most / BLOCK));
          assert.deepEqual(after.blocks?.slice(0, whole), before.blocks?.slice(0, whole));
          assert.ok(after.blocks?.slice(whole).every((id) => !known.has(id)));
        }
      }),
    ));

  it('rows that name their full blocks only keep doing so', async () => {
    const source = withBlocks([request(1, 40, [7, 8])]);
    assert.deepEqual((await clipInput(source, 38))[0]?.blocks, [7, 8]);
    assert.deepEqual((await clipInput(source, 32))[0]?.blocks, [7, 8]);
    assert.equal((await clipInput(source, 20))[0]?.blocks?.length, 2);
    assert.equal((await clipInput(source, 20))[0]?.blocks?.[0], 7);
  });

  it('needs the block size only where there are blocks to cut', async () => {
    assert.equal((await clipInput(withBlocks([request(1, 40)], null), 8))[0]?.inputTokens, 8);
    const source = withBlocks([request(4, 40, [7, 8, 9])], null);
    assert.equal((await clipInput(source, 40))[0]?.inputTokens, 40);
    await assert.rejects(clipInput(source, 8), (thrown) => {
      assert.ok(thrown instanceof UserError);
      assert.match(thrown.message, /example\.csv:4: --clip-input .*--block-tokens/);
      return true;
    });
  });

  const mooncake = shared('traces/mooncake_conversation_trace.jsonl');
  it('keeps the sharing of whole blocks in the public Mooncake trace', { skip: mooncake.skip }, async () => {
    const source = await openSource(mooncake.path, { onBadRow: 'fail' });
    const clipped = await clipInput(source, 4000);
    const original = await requestsOf(source.open());
    assert.equal(Math.max(...clipped.map(({ inputTokens }) => inputTokens)), 4000);
    for (const [i, { inputTokens, blocks = [] }] of clipped.entries()) {
      assert.equal(blocks.length, Math.ceil(inputTokens / 512));
      assert.deepEqual(blocks.slice(0, 7), original[i]?.blocks?.slice(0, Math.min(7, blocks.length)));
    }
  });
});

it('clip-output cuts answers and nothing else', async () => {
  const source = exampleSource([0, 1, 2, 3, 4, 5, 6]);
  const clipped = await requestsOf((await withTransforms(source, { op: 'clip-output', args: { tokens: 3 } })).open());
  const wanted = (await requestsOf(source.open())).map((found) => ({
    ...found,
    outputTokens: Math.min(3, found.outputTokens),
  }));
  assert.deepEqual(clipped, wanted);
});
