import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import type { TransformSpec } from '../../../src/core/plan.ts';
import { applyTransforms, DisorderError, requireOrder } from '../../../workloads/index.ts';
import { exampleSource, requestsOf, withTransforms } from '../temporary-files.ts';

const anyDue = fc
  .array(fc.integer({ min: 0, max: 5e6 }), { minLength: 1, maxLength: 60 })
  .map((due) => due.toSorted((a, b) => a - b));

describe('transforms', () => {
  it('window, speed and limit keep order, count and shift as they say', () =>
    fc.assert(
      fc.asyncProperty(
        anyDue,
        fc.integer({ min: 0, max: 4e6 }),
        fc.integer({ min: 1, max: 4e6 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.integer({ min: 1, max: 80 }),
        async (due, fromUs, lengthUs, factor, most) => {
          const toUs = fromUs + lengthUs;
          const notes: TransformSpec[] = [
            { op: 'window', args: { from_us: fromUs, to_us: toUs } },
            { op: 'speed', args: { factor } },
            { op: 'limit', args: { requests: most } },
          ];
          const source = exampleSource(due);
          const inside = (await requestsOf(source.open())).filter(({ dueUs }) => dueUs >= fromUs && dueUs < toUs);
          const cut = await withTransforms(source, ...notes);
          assert.deepEqual(cut.transforms, notes);
          if (inside.length === 0) {
            await assert.rejects(requestsOf(cut.open()), UserError);
            return;
          }
          const got = await requestsOf(cut.open());
          assert.deepEqual(got, await requestsOf(cut.open()));
          assert.deepEqual(
            got,
            inside
              .slice(0, most)
              .map((request) => ({ ...request, dueUs: Math.floor((request.dueUs - fromUs) / factor + 0.5) })),
          );
          assert.ok(got.every(({ dueUs }, i) => dueUs >= (got[i - 1]?.dueUs ?? 0)));
        },
      ),
    ));

  it('an empty window names the range of the whole trace, wherever the window lies', async () => {
    const due = [0, 1000, 2000, 3000, 9_000_000, 9_000_001, 9_000_002, 9_000_003, 60_000_000];
    for (const args of [{ from_us: 1e6, to_us: 2e6 }, { from_us: 61e6 }])
      await assert.rejects(
        requestsOf((await withTransforms(exampleSource(due), { op: 'window', args })).open()),
        /no request.*60\.0 s/,
      );
  });

  it('sort gives every request once, in order of time, equal times as they stood', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -5, max: 20 }), { minLength: 1, maxLength: 50 }), async (due) => {
        const sorted = await requestsOf((await withTransforms(exampleSource(due), { op: 'sort', args: {} })).open());
        const start = Math.min(0, ...due);
        const wanted = due
          .map((us, i) => ({ us, i }))
          .sort((a, b) => a.us - b.us || a.i - b.i)
          .map(({ us, i }) => [`r${i}`, us - start]);
        assert.deepEqual(
          sorted.map(({ id, dueUs }) => [id, dueUs]),
          wanted,
        );
      }),
    ));

  it('a sorted trace comes in small batches, like any other', async () => {
    const due = Array.from({ length: 5000 }, (_, i) => 5000 - i);
    let batches = 0;
    for await (const batch of (await withTransforms(exampleSource(due), { op: 'sort', args: {} })).open()) {
      batches++;
      assert.ok(batch.length <= 1024);
    }
    assert.equal(batches, 5);
  });

  it('a trace that is out of order names the row', async () => {
    await assert.rejects(requestsOf(requireOrder(exampleSource([0, 5, 4])).open()), (thrown) => {
      assert.ok(thrown instanceof DisorderError);
      assert.match(thrown.message, /example\.csv:4: not_sorted/);
      return true;
    });
  });

  it('refuses what is no argument, and names that are none', async () => {
    const source = exampleSource([0]);
    const apply = (op: string, args: TransformSpec['args']) => (): Promise<unknown> =>
      applyTransforms(source, [{ op, args }]);
    await assert.rejects(apply('speed', { factor: 0 }), /--speed: got 0/);
    await assert.rejects(apply('speed', { factor: Number.NaN }), /--speed: got NaN/);
    await assert.rejects(apply('limit', { requests: 1.5 }), /--limit: got 1\.5/);
    await assert.rejects(apply('rate', { rps: 0 }), /--rate: got 0/);
    await assert.rejects(apply('clip-input', { tokens: 0 }), /--clip-input: got 0/);
    await assert.rejects(apply('clip-output', { tokens: 2.5 }), /--clip-output: got 2\.5/);
    await assert.rejects(apply('windw', {}), /did you mean "window"/);
    await assert.rejects(apply('constructor', {}), UserError);
  });
});
