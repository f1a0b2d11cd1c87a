import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { crossing, type CurvePoint } from '../../src/metrics/crossing.ts';

const point = (x: number, attainment: number, ci95: CurvePoint['ci95'] = null): CurvePoint => ({
  x,
  attainment,
  ci95,
  overloaded: false,
});

describe('where a curve crosses the goal', () => {
  it('is on a straight line over the logarithm, between the last point that attains it and the next', () => {
    const found = crossing([point(1, 1), point(2, 0.95), point(8, 0.85)], 0.9);
    assert.equal(found.state, 'between');
    assert.ok(Math.abs((found.at ?? 0) - 4) < 1e-9);
    assert.deepEqual([found.last, found.miss], [2, 8]);
  });

  it('is nowhere where the first point misses it, and a bound where none does', () => {
    assert.deepEqual(crossing([point(1, 0.5), point(2, 0.95)], 0.9).state, 'none');
    assert.equal(crossing([point(1, 0.5), point(2, 0.95)], 0.9).at, null);
    const all = crossing([point(1, 0.95), point(2, 0.9)], 0.9);
    assert.deepEqual([all.state, all.at, all.miss], ['all', 2, null]);
  });

  it('passes over no point: one that misses ends it, whatever comes after', () => {
    assert.equal(crossing([point(1, 0.95), point(2, 0.8), point(4, 0.99)], 0.9).last, 1);
  });

  it('has an interval from the ends of the intervals, in ascending order, also where x falls', () => {
    const rising = [
      point(1, 0.95, [0.9, 1]),
      point(2, 0.9, [0.8, 0.95]),
      point(4, 0.8, [0.7, 0.9]),
      point(8, 0.5, [0.4, 0.6]),
    ];
    const [low, high] = crossing(rising, 0.9).ci95;
    assert.deepEqual([low, high], [1, 4]);
    const falling = rising.map((each) => ({ ...each, x: 8 / each.x }));
    assert.deepEqual(crossing(falling, 0.9).ci95, [2, 8]);
  });

  it('has no end where an interval does not cross the goal, or a point up to there has none', () => {
    assert.deepEqual(crossing([point(1, 0.95, [0.85, 1]), point(2, 0.5, [0.4, 0.6])], 0.9).ci95[0], null);
    assert.deepEqual(crossing([point(1, 0.95, [0.92, 1]), point(2, 0.8, [0.7, 0.95])], 0.9).ci95[1], null);
    assert.deepEqual(crossing([point(1, 0.95), point(2, 0.5, [0.4, 0.6])], 0.9).ci95, [null, null]);
    assert.deepEqual(crossing([point(1, 0.95, [0.92, 1]), point(2, 0.5)], 0.9).ci95, [null, null]);
    const overloaded = { ...point(2, 0.5), overloaded: true };
    const [low, high] = crossing([point(1, 0.95, [0.92, 1]), overloaded], 0.9).ci95;
    assert.ok(low !== null && high !== null && low < high && high < 2);
  });

  it('lies between its neighbours, and within its interval', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const curve = fc.array(fc.tuple(fc.integer({ min: 1, max: 1000 }), share, share, share), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(curve, share, (given, goal) => {
        const points = given
          .map(([x, ...shares]): CurvePoint => {
            const [low = 0, middle = 0, high = 0] = shares.toSorted((a, b) => a - b);
            return { x, attainment: middle, ci95: [low, high], overloaded: false };
          })
          .toSorted((a, b) => a.x - b.x);
        const { at, state, last, miss, ci95 } = crossing(points, goal);
        assert.equal(at === null, state === 'none');
        if (at === null) return;
        const near = 1 + 1e-9;
        assert.ok(at >= (last ?? 0) / near && at <= (miss ?? Infinity) * near);
        assert.ok(ci95[0] === null || ci95[0] <= at * near);
        assert.ok(ci95[1] === null || ci95[1] >= at / near);
      }),
    );
  });
});
