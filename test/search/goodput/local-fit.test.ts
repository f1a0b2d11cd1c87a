import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { exp, ln } from '../../../src/core/portable-math.ts';
import { randomStream, uniform } from '../../../src/core/random.ts';
import { expectedShare, fitLocally, type SegmentCounts } from '../../../src/search/goodput/local-fit.ts';

/** Segments of 400 independent requests, in turn below and above `aboutRps`, whose attainment is 0.9 at `trueRps`. */
function segmentsOf(trueRps: number, aboutRps: number, slope: number, count: number, seed: number): SegmentCounts[] {
  const random = randomStream(seed, 'segments');
  return Array.from({ length: count }, (_, i) => {
    const lnRate = ln(aboutRps) + (i % 2 === 0 ? -0.08 : 0.08);
    const share = 1 / (1 + exp(-(ln(9) + slope * (lnRate - ln(trueRps)))));
    const met = Array.from({ length: 400 }, () => uniform(random)).filter((draw) => draw < share).length;
    return { lnRate, met, decided: 400 };
  });
}

test('the crossing of a line with a goal is found, and its interval holds it', () => {
  let held = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const fit = fitLocally(segmentsOf(10, 10.5, -8, 16, seed), 0.9, ln(10.5));
    assert.ok(Math.abs(fit.lnRate - ln(10)) < 0.1, `seed ${seed}: ${exp(fit.lnRate)}`);
    if (Math.abs(fit.lnRate - ln(10)) <= fit.halfWidth) held++;
  }
  assert.ok(held >= 94, `${held} of 100`);
});

test('a fit is finite whatever the counts, attains the goal where it says, and falls', () => {
  const segment = fc
    .record({
      lnRate: fc.double({ min: -3, max: 3, noNaN: true }),
      decided: fc.nat(500),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ lnRate, decided, share }) => ({ lnRate, decided, met: Math.round(decided * share) }));
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(0.5, 0.9, 0.99),
      (segments, goal) => {
        const fit = fitLocally(segments, goal, 0);
        assert.ok(Number.isFinite(fit.lnRate) && fit.slope <= -2 && fit.halfWidth >= 0, JSON.stringify(fit));
        if (Math.abs(fit.intercept) < 12) assert.ok(Math.abs(expectedShare(fit, fit.lnRate) - goal) < 1e-9);
      },
    ),
  );
});

test('two segments have no interval', () => {
  assert.equal(fitLocally(segmentsOf(10, 10, -8, 2, 1), 0.9, ln(10)).halfWidth, Infinity);
});
