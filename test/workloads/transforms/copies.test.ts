import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { TransformSpec } from '../../../src/core/plan.ts';
import type { Request } from '../../../src/core/request.ts';
import { anyTrace, isInOrder, sourceOf, transformed } from './cases.ts';
import { requestsOf, withTransforms } from '../temporary-files.ts';

const RUNS = { numRuns: 40 };

function copies(count: number, seed: number, more: TransformSpec['args'] = {}): TransformSpec {
  return { op: 'copies', args: { copies: count, seed, ...more } };
}

/** The copy that a request is of, from its id: 0 for the trace's own. */
function copyOf(id: string): number {
  return Number(/#(\d+)$/.exec(id)?.[1] ?? 1) - 1;
}

describe('copies', () => {
  it('hold every request once in each copy, with names that refer to the same copy only', () =>
    fc.assert(
      fc.asyncProperty(
        anyTrace,
        fc.integer({ min: 1, max: 4 }),
        fc.integer(),
        fc.constantFrom('shifted', 'same'),
        fc.constantFrom('fresh', 'same'),
        async (requests, count, seed, times, blocks) => {
          const found = await transformed(requests, copies(count, seed, { times, blocks }));
          assert.equal(found.length, count * requests.length);
          assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
          assert.ok(found.every(({ dueUs }, i) => dueUs >= (found[i - 1]?.dueUs ?? 0)));
          for (const request of found) {
            const copy = copyOf(request.id);
            const { session, parent, after = [] } = request;
            for (const id of [session, parent, ...after.map((each) => each.id)])
              if (id !== undefined) assert.equal(copyOf(id), copy);
          }
          const inCopies = Map.groupBy(found, ({ id }) => copyOf(id));
          const bare = ({ id, traceRow, inputTokens, turn, blocks: ids = [] }: Request): unknown => [
            id.replace(/#\d+$/, ''),
            traceRow,
            inputTokens,
            turn,
            ids.length,
          ];
          const byRow = (all: readonly Request[]): unknown => all.toSorted((a, b) => a.traceRow - b.traceRow).map(bare);
          for (const own of inCopies.values()) assert.deepEqual(byRow(own), byRow(requests));
          assert.deepEqual(inCopies.get(0), requests);
        },
      ),
      RUNS,
    ));

  it('share prefixes within a copy as the trace does, and none between copies, unless their blocks are the same', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, fc.integer(), fc.boolean(), async (requests, seed, isFar) => {
        // Ids that leave no room behind them, such as hashes.
        const far = isFar
          ? requests.map((each) => ({ ...each, blocks: each.blocks?.map((id) => 2 ** 53 - 1 - id) }))
          : requests;
        const found = await transformed(
          far.map((each) => ({ ...each, blocks: each.blocks ?? [] })),
          copies(3, seed),
        );
        const owners = new Map<number, string>();
        const names = new Map<string, number>();
        for (const request of found) {
          const original = requests[request.traceRow - 2]?.blocks ?? [];
          for (const [i, id] of (request.blocks ?? []).entries()) {
            const owner = `${copyOf(request.id)} ${original[i]}`;
            assert.ok(Number.isSafeInteger(id) && id >= 0);
            assert.equal(owners.get(id) ?? owner, owner);
            assert.equal(names.get(owner) ?? id, id);
            owners.set(id, owner);
            names.set(owner, id);
          }
        }
        const same = await transformed(requests, copies(3, seed, { blocks: 'same' }));
        assert.ok(same.every(({ blocks, traceRow }) => blocks === requests[traceRow - 2]?.blocks));
      }),
      RUNS,
    ));

  it('at the same times stand where the trace does; shifted ones keep sessions whole and every gap within them', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, fc.integer(), async (requests, seed) => {
        const inPlace = await transformed(requests, copies(2, seed, { times: 'same' }));
        for (const { traceRow, dueUs } of inPlace) assert.equal(dueUs, requests[traceRow - 2]?.dueUs);
        const shifted = (await transformed(requests, copies(2, seed))).filter(({ id }) => copyOf(id) === 1);
        const spanUs = (requests.at(-1)?.dueUs ?? 0) - (requests[0]?.dueUs ?? 0);
        for (const [session, rows] of Map.groupBy(shifted, (request) => request.session)) {
          const moved = new Set(rows.map(({ traceRow, dueUs }) => dueUs - (requests[traceRow - 2]?.dueUs ?? 0)));
          if (session === undefined) assert.ok(moved.size <= 2);
          else assert.ok(moved.size === 1 && isInOrder(rows));
        }
        const lengthUs = spanUs + Math.round(spanUs / (requests.length - 1));
        const starts = requests.filter(({ session }) => session === undefined).map(({ dueUs }) => dueUs);
        const alone = shifted.filter(({ session }) => session === undefined).map(({ dueUs }) => dueUs);
        assert.ok(
          alone.every(
            (us) => us >= (requests[0]?.dueUs ?? 0) && us < (requests[0]?.dueUs ?? 0) + Math.max(1, lengthUs),
          ),
        );
        assert.equal(alone.length, starts.length);
      }),
      RUNS,
    ));

  it('copies of copies have names of their own, and a fraction is a sample of whole sessions', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, fc.integer(), async (requests, seed) => {
        const found = await transformed(requests, copies(2, seed), copies(2, seed));
        assert.equal(new Set(found.map(({ id }) => id)).size, 4 * requests.length);
        const sizes = Map.groupBy(requests, ({ session }) => session);
        const third = (await transformed(requests, copies(2.5, seed))).filter(({ id }) => copyOf(id) === 2);
        for (const [session, rows] of Map.groupBy(third, (request) => request.session))
          if (session !== undefined) assert.equal(rows.length, sizes.get(session.replace('#3', ''))?.length);
      }),
      RUNS,
    ));

  it('follow one another, session by session, where sessions have no starts', async () => {
    const requests = [0, 5, 0, 7].map((dueUs, i): Request => ({
      id: `r${i}`,
      traceRow: i + 2,
      dueUs,
      inputTokens: 1,
      outputTokens: 1,
      session: i < 2 ? 'a' : 'b',
    }));
    const source = await withTransforms(sourceOf(requests, { starts: 'none' }), copies(2, 1));
    const found = await requestsOf(source.open());
    assert.deepEqual(
      found.map(({ session, dueUs }) => `${session} ${dueUs}`),
      ['a 0', 'a 5', 'b 0', 'b 7', 'a#2 0', 'a#2 5', 'b#2 0', 'b#2 7'],
    );
    await assert.rejects(
      withTransforms(sourceOf(requests, { starts: 'none' }), { op: 'rate', args: { rps: 1 } }),
      /--rate: example does not say when its sessions start/,
    );
  });
});
