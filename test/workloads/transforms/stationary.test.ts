import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { anyTrace, transformed } from './cases.ts';

const BY_SESSION = { op: 'by-session', args: {} };

function trees(requests: readonly Request[]): Request[][] {
  const found = new Map<number, Request[]>();
  for (const request of requests) found.set(request.tree ?? -1, [...(found.get(request.tree ?? -1) ?? []), request]);
  return [...found.values()];
}

/** What a test knows of a session tree that is met as it goes on, beside the tree as the trace has it. */
function met(tree: readonly Request[], whole: readonly Request[]) {
  const isPrimed = ({ isPriming }: Request): boolean => isPriming === true;
  const primed = tree.filter(isPrimed);
  const coming = tree.filter((request) => !isPrimed(request));
  return { primed, coming, passed: whole.slice(0, whole.length - coming.length) };
}

describe('sessions that are met as they go on', () => {
  it('any tree: it goes on from a request, and each prompt before it that the rest waits for is in the cache', () =>
    fc.assert(
      fc.asyncProperty(
        anyTrace,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 99 }),
        fc.boolean(),
        async (requests, lanes, seed, thinks) => {
          const first = thinks ? [{ op: 'think-times', args: {} }, BY_SESSION] : [BY_SESSION];
          const plain = trees(await transformed(requests, ...first));
          const found = trees(await transformed(requests, ...first, { op: 'stationary', args: { lanes, seed } }));
          assert.deepEqual(found.slice(lanes), plain.slice(lanes));
          for (const [at, tree] of found.slice(0, lanes).entries()) {
            const whole = plain[at] ?? assert.fail();
            const { primed, coming, passed } = met(tree, whole);
            assert.deepEqual(
              coming.map(({ id, inputTokens, outputTokens }) => [id, inputTokens, outputTokens]),
              whole.slice(passed.length).map(({ id, inputTokens, outputTokens }) => [id, inputTokens, outputTokens]),
            );
            for (const { dueUs, outputTokens, after } of primed)
              assert.deepEqual([dueUs, outputTokens, after], [0, 1, []]);
            const ids = new Set(tree.map(({ id }) => id));
            for (const [i, request] of coming.entries()) {
              const before = whole[passed.length + i] ?? assert.fail();
              assert.deepEqual(
                request.after?.map(({ id }) => id),
                before.after?.map(({ id }) => id),
              );
              for (const [j, { id, thinkUs }] of (request.after ?? []).entries()) {
                assert.ok(ids.has(id), `${request.id} waits for ${id}, which is not there`);
                assert.ok(thinkUs <= (before.after?.[j]?.thinkUs ?? -1));
              }
            }
            // What nothing goes on from is not sent.
            const named = new Set(coming.flatMap(({ after = [] }) => after.map(({ id }) => id)));
            const branches = new Set(coming.map(({ session, agent }) => `${session} ${agent}`));
            for (const { id, session, agent } of primed)
              assert.ok(named.has(id) || branches.has(`${session} ${agent}`), `${id} is primed for nothing`);
          }
        },
      ),
      { numRuns: 300 },
    ));

  it('requests at times of their own keep them from one another, behind a part of the gap before the first', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(9e6), { minLength: 2, maxLength: 9 }), fc.nat(99), async (gaps, seed) => {
        let dueUs = 0;
        const requests = gaps.map((gapUs, i): Request => {
          dueUs += gapUs;
          return { id: `r${i}`, traceRow: i + 2, dueUs, inputTokens: 9, outputTokens: 5, session: 's', turn: i };
        });
        const found = await transformed(requests, BY_SESSION, { op: 'stationary', args: { lanes: 1, seed } });
        const { primed, coming, passed } = met(found, requests);
        const [entered, wasEntered] = [coming[0], requests[passed.length]];
        assert.ok(entered !== undefined && wasEntered !== undefined);
        assert.deepEqual(
          coming.map((request) => request.dueUs - entered.dueUs),
          requests.slice(passed.length).map((request) => request.dueUs - wasEntered.dueUs),
        );
        const last = passed.at(-1);
        assert.deepEqual(
          primed.map(({ id }) => id),
          last === undefined ? [] : [last.id],
        );
        if (last !== undefined) assert.ok(entered.dueUs <= wasEntered.dueUs - last.dueUs);
      }),
      { numRuns: 200 },
    ));
});
