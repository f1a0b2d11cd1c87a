import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../src/core/request.ts';
import { mergeSources } from '../../workloads/merge.ts';
import { requestsOf } from './temporary-files.ts';
import { anyTrace, sourceOf } from './transforms/cases.ts';

const LETTERS = ['a', 'b', 'c'];

describe('merged traces', () => {
  it('have every request of each once, in order of time, and no name in common', () =>
    fc.assert(
      fc.asyncProperty(fc.array(anyTrace, { minLength: 2, maxLength: 3 }), async (traces) => {
        const merged = mergeSources(traces.map((requests) => sourceOf(requests)));
        const found = await requestsOf(merged.open());
        assert.deepEqual(await requestsOf(merged.open()), found);
        assert.ok(found.every(({ dueUs }, i) => dueUs >= (found[i - 1]?.dueUs ?? 0)));
        const inTraces = Map.groupBy(found, ({ id }) => id.slice(0, 1));
        const blocks = new Map<number, string>();
        for (const [i, trace] of traces.entries()) {
          const letter = LETTERS[i] ?? '';
          const own = inTraces.get(letter) ?? [];
          const name = (id: string | undefined): string | undefined => (id === undefined ? id : `${letter}:${id}`);
          assert.deepEqual(
            own.map((request) => ({ ...request, blocks: null })),
            trace.map((request) => {
              const { session, parent, after } = request;
              return {
                ...request,
                blocks: null,
                id: name(request.id),
                ...(session === undefined ? {} : { session: name(session) }),
                ...(parent === undefined ? {} : { parent: name(parent) }),
                ...(after === undefined ? {} : { after: after.map((each) => ({ ...each, id: name(each.id) })) }),
              };
            }),
          );
          for (const [row, request] of own.entries())
            for (const [k, id] of (request.blocks ?? []).entries()) {
              const owner = `${letter} ${trace[row]?.blocks?.[k]}`;
              assert.equal(blocks.get(id) ?? owner, owner);
              blocks.set(id, owner);
            }
        }
      }),
      { numRuns: 40 },
    ));

  const row = (dueUs: number, blocks: readonly number[]): Request => ({
    id: 'r',
    traceRow: 1,
    dueUs,
    inputTokens: 16,
    outputTokens: 1,
    blocks,
  });

  it('stand in the order of the traces at equal times, share blocks where asked to, and have room for ids of any size', async () => {
    const blocksOf = async (ids: readonly number[], sharesBlocks: boolean): Promise<unknown> =>
      (
        await requestsOf(
          mergeSources(
            ids.map((id) => sourceOf([row(5, [id])])),
            { sharesBlocks },
          ).open(),
        )
      ).map(({ id, blocks }) => [id, blocks?.[0]]);
    assert.deepEqual(await blocksOf([7, 7], false), [
      ['a:r', 7],
      ['b:r', 15],
    ]);
    assert.deepEqual(await blocksOf([7, 7], true), [
      ['a:r', 7],
      ['b:r', 7],
    ]);
    assert.deepEqual(await blocksOf([2 ** 53 - 1, 2 ** 53 - 1], false), [
      ['a:r', 0],
      ['b:r', 1],
    ]);
  });

  it('go together only where their blocks are of one size and their sessions have starts, or none has', () => {
    const one = sourceOf([row(0, [1])]);
    assert.throws(() => mergeSources([one]), /name two traces or more/);
    assert.throws(
      () => mergeSources([one, sourceOf([], { blockTokens: 512 })]),
      /of 16 tokens, those of example of 512/,
    );
    assert.throws(
      () => mergeSources([one, sourceOf([], { starts: 'none' })]),
      /says when its sessions start, and one does not/,
    );
  });

  it('follow one another where sessions have no starts, and close what they have opened', async () => {
    let closed = 0;
    const source = (dueUs: readonly number[], starts?: 'none'): ReturnType<typeof sourceOf> =>
      sourceOf([], {
        ...(starts === undefined ? {} : { starts }),
        async *open() {
          try {
            for (const us of dueUs) yield [row(us, [])];
          } finally {
            closed++;
          }
        },
      });
    const apart = await requestsOf(mergeSources([source([5, 9], 'none'), source([0], 'none')]).open());
    assert.deepEqual(
      apart.map(({ id, dueUs }) => `${id} ${dueUs}`),
      ['a:r 5', 'a:r 9', 'b:r 0'],
    );
    closed = 0;
    for await (const batch of mergeSources([source([1, 2, 3]), source([2, 3])], { sharesBlocks: true }).open()) {
      assert.ok(batch.length > 0);
      break;
    }
    assert.equal(closed, 2);
  });
});
