import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { meanRate } from '../../../src/core/rate.ts';
import type { Request } from '../../../src/core/request.ts';
import { applyTransforms, scanPlan } from '../../../workloads/index.ts';
import { sourceOf } from './cases.ts';
import { requestsOf, withTransforms } from '../temporary-files.ts';

/** Sessions of three turns, a tenth of a second apart. */
const TURNS = Array.from({ length: 600 }, (_, i): Request => ({
  id: `r${i}`,
  traceRow: i + 2,
  dueUs: i * 100_000,
  inputTokens: 32,
  outputTokens: 4,
  session: `s${Math.floor(i / 30) * 10 + (i % 10)}`,
  turn: Math.floor((i % 30) / 10),
  blocks: [i % 10, 10 + i],
}));

describe('rate by sessions and by superposition', () => {
  it('gives the mean rate asked for, the same requests each time, and resolves to what needs no reading ahead', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('sessions', 'superpose'),
        fc.double({ min: 2, max: 45, noNaN: true }),
        fc.integer(),
        async (by, rps, seed) => {
          const source = sourceOf(TURNS);
          const { source: made, resolved } = await applyTransforms(source, [{ op: 'rate', args: { rps, by, seed } }]);
          const requests = await requestsOf(made.open());
          const rate = meanRate(requests.length, requests[0]?.dueUs ?? 0, requests.at(-1)?.dueUs ?? 0) ?? 0;
          assert.ok(Math.abs(rate / rps - 1) < 1e-5);
          assert.ok(requests.every(({ dueUs }, i) => dueUs >= (requests[i - 1]?.dueUs ?? 0)));
          assert.ok(!resolved.some(({ op }) => op === 'rate'));
          assert.deepEqual(await requestsOf((await withTransforms(source, ...resolved)).open()), requests);
          // Chance, and no more, is made good by time: 60 sessions or 600 requests and their shares.
          const factor = Number(resolved.at(-1)?.args['factor']);
          assert.ok(factor > 0.3 && factor < 3, `time runs ${factor} times as fast`);
          if (by === 'sessions')
            for (const rows of Map.groupBy(requests, ({ session }) => session).values()) assert.equal(rows.length, 3);
        },
      ),
      { numRuns: 12 },
    ));

  it('scales the times of a request, and think times only where asked to', async () => {
    const requests = TURNS.map((each, i) => ({ ...each, after: i % 2 === 0 ? [] : [{ id: 'x', thinkUs: 1001 }] }));
    const think = async (args: Record<string, number>): Promise<unknown> => {
      const { source } = await applyTransforms(sourceOf(requests), [{ op: 'rate', args: { rps: 20, ...args } }]);
      return (await requestsOf(source.open()))[1]?.after;
    };
    const fast = Number(meanRate(600, 0, 59_900_000));
    assert.deepEqual(await think({}), [{ id: 'x', thinkUs: 1001 }]);
    assert.deepEqual(await think({ scale_think: 1 }), [{ id: 'x', thinkUs: Math.floor((1001 * fast) / 20 + 0.5) }]);
  });
});

describe('a warm window', () => {
  const window = (args: Record<string, number>): { op: string; args: Record<string, number> } => ({
    op: 'window',
    args: { from_us: 30e6, to_us: 45e6, ...args },
  });

  it('says what reuse is with the blocks of before it and without, and counts them where it is asked to', async () => {
    const lines: string[] = [];
    const reuseOf = async (
      args: Record<string, number>,
      ...more: { op: string; args: Record<string, number> }[]
    ): Promise<number | null> => {
      const { source } = await applyTransforms(sourceOf(TURNS), [window(args), ...more], {
        info: (line) => lines.push(line),
        warn: assert.fail,
      });
      return (await scanPlan(source, 1)).prefixReuse;
    };
    // Of 150 prompts of two blocks each has its first in common with 14 others of the window, and with some before it.
    assert.equal(await reuseOf({}), 140 / 300);
    assert.equal(await reuseOf({ warm: 1 }), 150 / 300);
    for (const line of lines)
      assert.match(
        line,
        /prefix reuse 0\.500 with the blocks of before the window \(--warm\); .*; prefix reuse .* -> 0\.467$/,
      );
    // Copies with blocks of their own are as warm.
    assert.equal(await reuseOf({ warm: 1 }, { op: 'copies', args: { copies: 2, seed: 3 } }), 150 / 300);
  });

  it('ends sessions that began before it: their turns within it wait for none that is not there', async () => {
    const cut = await requestsOf(
      (await withTransforms(sourceOf(TURNS), { op: 'window', args: { from_us: 31e6 } })).open(),
    );
    const orphans = cut.filter(({ after }) => after?.length === 0);
    assert.deepEqual(
      orphans.map(({ id }) => id),
      Array.from({ length: 10 }, (_, i) => `r${310 + i}`),
    );
  });
});
