import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ln } from '../../src/core/portable-math.ts';
import { changeOf, intervalOf } from '../../src/compare/change.ts';
import { adjusted, testFamily, verdictOf } from '../../src/compare/verdicts.ts';

const MARGIN = ln(1.02);

/** The verdict on figures of which more is better and that are multiples of a step. */
function verdict(base: readonly number[], now: readonly number[], step: number): string {
  const verdicts = (['paired', 'separate'] as const).map((order) => {
    const [tested] = testFamily([{ base, now, isFinite: true, step }], order, MARGIN);
    assert.ok(tested !== undefined && tested.change !== null);
    return verdictOf(tested.change, { margin: MARGIN, adjustedP: tested.adjustedP, moreIsBetter: true });
  });
  return [...new Set(verdicts)].join(' and ');
}

describe('a share of requests', () => {
  it('that two runs happen to have is not known to that number: one request of 20 decides nothing', () => {
    assert.equal(verdict([1, 1], [0.95, 0.95], 1 / 20), 'undecided');
    assert.equal(verdict([0.95, 0.95, 0.95], [0.9, 0.9, 0.9], 1 / 20), 'undecided');
    // Of 2,000 requests, 100 do.
    assert.equal(verdict([1, 1, 1], [0.95, 0.95, 0.95], 1 / 2000), 'worse');
    assert.equal(verdict([0.5, 0.5, 0.5], [1, 1, 1], 1 / 20), 'better');
  });

  it('is known no better with its step than without', () => {
    const run = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(run, run, fc.constantFrom('paired', 'separate'), (one, other, order) => {
        const [base, now] = [one, other].map((runs) => runs.map((met) => met / 20));
        assert.ok(base !== undefined && now !== undefined);
        const width = (step: number): number => {
          const [low, high] = intervalOf(changeOf(base, now, order, step), 0.95) ?? [0, 0];
          return high - low;
        };
        assert.ok(width(1 / 20) >= width(0) && width(1 / 20) > 0);
      }),
    );
  });

  it('that is one number in every run of both is the same', () => {
    assert.equal(verdict([1, 1], [1, 1], 1 / 20), 'same');
    assert.equal(verdict([0.95, 0.95], [0.95, 0.95], 1 / 20), 'same');
  });
});

describe("Holm's adjustment", () => {
  it('keeps the order, is no smaller than the p value, and nothing is left out by it but nulls', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 12 }), (pValues) => {
        const all = adjusted(pValues);
        const known = pValues.flatMap((p, i) => (p === null ? [] : [{ p, q: all[i] ?? Number.NaN }]));
        assert.deepEqual(
          all.map((p) => p === null),
          pValues.map((p) => p === null),
        );
        for (const { p, q } of known) assert.ok(q >= p && q <= 1 && q <= Math.max(...known.map((each) => each.q)));
        for (const one of known) for (const other of known) if (one.p < other.p) assert.ok(one.q <= other.q);
        const smallest = Math.min(...known.map(({ p }) => p));
        for (const { p, q } of known) if (p === smallest) assert.equal(q, Math.min(1, p * known.length));
      }),
    );
  });
});
