import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Concurrency } from '../../src/metrics/concurrency.ts';

const span = fc
  .tuple(fc.nat(1000), fc.oneof(fc.nat(200), fc.constant(Infinity)))
  .map(([from, length]) => ({ from, to: from + length }));

test('mean, most and peak are those of counting at every time', () => {
  fc.assert(
    // More than one sum is kept for.
    fc.property(
      fc.array(span, { maxLength: 300 }),
      fc.nat(1000),
      fc.integer({ min: 1, max: 300 }),
      (spans, at, length) => {
        const concurrency = new Concurrency();
        for (const { from, to } of spans) concurrency.add(from, to);
        const inFlight = (us: number): number => spans.filter(({ from, to }) => from <= us && us < to).length;
        const within = Array.from({ length }, (_, i) => inFlight(at + i));

        const mean = within.reduce((sum, each) => sum + each, 0) / length;
        assert.ok(Math.abs(concurrency.means()(at, at + length) - mean) < 1e-9);
        assert.equal(concurrency.most()(at, at + length), Math.max(...within));
        const all = Array.from({ length: 1001 }, (_, us) => inFlight(us));
        const most = Math.max(...all);
        assert.deepEqual(concurrency.peak(), most === 0 ? null : { requests: most, at_us: all.indexOf(most) });
      },
    ),
    { numRuns: 40 },
  );
});
