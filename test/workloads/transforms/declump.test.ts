import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Request } from '../../../src/core/request.ts';
import { applyTransforms } from '../../../workloads/index.ts';
import { anyTrace, isInOrder, transformed } from './cases.ts';
import { exampleSource, requestsOf, withTransforms } from '../temporary-files.ts';

const anySpread = fc.oneof(
  fc.constant({ op: 'declump', args: { by: 'even' } }),
  fc.integer().map((seed) => ({ op: 'declump', args: { by: 'uniform', seed } })),
);

describe('declump', () => {
  it('moves no request before its time or to the next time, keeps the order, and changes nothing else', () =>
    fc.assert(
      fc.asyncProperty(anyTrace, anySpread, async (requests, spec) => {
        const times = [...new Set(requests.map(({ dueUs }) => dueUs))];
        if (times.length === 1) {
          await assert.rejects(transformed(requests, spec), /--declump: all requests of example are due at one time/);
          return;
        }
        const spread = await transformed(requests, spec);
        assert.ok(isInOrder(spread));
        for (const [i, { dueUs, ...rest }] of spread.entries()) {
          const { dueUs: before = 0, ...kept } = requests[i] ?? {};
          assert.deepEqual(rest, kept);
          const next = times[times.indexOf(before) + 1] ?? Infinity;
          assert.ok(dueUs >= before && dueUs < next, `${before} became ${dueUs}, next ${next}`);
        }
      }),
    ));

  it('spreads evenly until the next time, no further than times are apart where nothing is missing', async () => {
    const due = [0, 0, 0, 1e6, 2e6, 2e6, 60e6, 60e6, 60e6, 60e6];
    const spread = await withTransforms(exampleSource(due), { op: 'declump', args: { by: 'even' } });
    assert.deepEqual(
      (await requestsOf(spread.open())).map(({ dueUs }) => dueUs),
      [0, 333_333, 666_666, 1e6, 2e6, 2.5e6, 60e6, 60.25e6, 60.5e6, 60.75e6],
    );
  });

  it('draws the time of a request by its id, and orders those that share a time', async () => {
    const due = Array.from({ length: 300 }, (_, i) => Math.floor(i / 30) * 1e6);
    const at = async (seed: number): Promise<number[]> => {
      const spec = { op: 'declump', args: { by: 'uniform', seed } };
      return (await requestsOf((await withTransforms(exampleSource(due), spec)).open())).map(({ dueUs }) => dueUs);
    };
    assert.deepEqual(await at(1), await at(1));
    assert.notDeepEqual(await at(1), await at(2));
    // Uniform in [0, 1 s): 300 draws have a mean of 0.5 s within four standard deviations, 0.067 s.
    const inTick = (await at(1)).map((us) => us % 1e6);
    assert.ok(Math.abs(inTick.reduce((sum, us) => sum + us, 0) / 300 - 0.5e6) < 0.067e6);
  });

  it('is resolved to the distance that it found, so that whoever opens it again does not look for it', async () => {
    const source = exampleSource([0, 0, 3e6, 6e6, 6e6, 9e6]);
    const { resolved, source: spread } = await applyTransforms(source, [{ op: 'declump', args: { by: 'even' } }]);
    assert.deepEqual(resolved, [{ op: 'declump', args: { by: 'even', tick_us: 3e6 } }]);
    let opened = 0;
    const again = await withTransforms({ ...source, open: () => (opened++, source.open()) }, ...resolved);
    assert.deepEqual(await requestsOf(again.open()), await requestsOf(spread.open()));
    assert.equal(opened, 1);
  });

  it('moves no request of a trace whose times are all different', async () => {
    const requests: Request[] = await requestsOf(exampleSource([0, 5, 7, 100]).open());
    assert.deepEqual(await transformed(requests, { op: 'declump', args: { by: 'even' } }), requests);
  });
});
