import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { ecdfOf } from '../../reports/data/ecdf.ts';
import { GapCounts } from '../../reports/data/gap-counts.ts';
import { nearestRank } from '../../src/metrics/samples.ts';

/** Long arrays, because short ones are not thinned; a failing one is shown as it is: to shrink it takes minutes. */
const RUNS = { numRuns: 60, endOnFailure: true };
const values = fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 1500, size: 'max' });

it('every point of a distribution says what a direct count says', () => {
  fc.assert(
    fc.property(values, fc.nat(50), fc.integer({ min: 1, max: 100_000 }), (us, missing, limitUs) => {
      const ecdf = ecdfOf(Float64Array.from(us).sort(), missing, limitUs);
      assert.ok(ecdf.points.length <= 400);
      for (const { ms, share } of ecdf.points)
        assert.equal(share, us.filter((value) => value / 1000 <= ms).length / (us.length + missing));
    }),
    RUNS,
  );
});

it('a distribution holds its limit, its shown percentiles and both ends exactly', () => {
  fc.assert(
    fc.property(values, fc.nat(50), fc.integer({ min: 1, max: 100_000 }), (us, missing, limitUs) => {
      fc.pre(us.length > 0);
      const sorted = Float64Array.from(us).sort();
      const { points } = ecdfOf(sorted, missing, limitUs);
      const shareAt = (ms: number): number => points.findLast((point) => point.ms <= ms)?.share ?? 0;
      assert.equal(shareAt(limitUs / 1000), us.filter((value) => value <= limitUs).length / (us.length + missing));
      assert.equal(points[0]?.ms, (sorted[0] ?? 0) / 1000);
      assert.equal(points.at(-1)?.share, us.length / (us.length + missing));
      for (const permille of [500, 900, 990]) {
        const value = nearestRank(sorted, permille, missing);
        if (value !== null) assert.ok(points.some(({ ms }) => ms === value / 1000));
      }
    }),
    RUNS,
  );
});

it('counts of gaps give exact shares at their edges, whatever the gaps', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5_000_000 }), { minLength: 1, maxLength: 1500, size: 'max' }),
      (gaps) => {
        const counts = new GapCounts();
        let time = 0;
        counts.add(Float64Array.from([0, ...gaps.map((gap) => (time += gap))]));
        const { points, n } = counts.ecdf(7);
        assert.equal(n, gaps.length);
        assert.ok(points.length <= 400);
        for (const { ms, share } of points)
          assert.equal(share, gaps.filter((gap) => gap <= Math.round(ms * 1000)).length / (gaps.length + 7));
        assert.equal(points.at(-1)?.share, gaps.length / (gaps.length + 7));
      },
    ),
    RUNS,
  );
});
