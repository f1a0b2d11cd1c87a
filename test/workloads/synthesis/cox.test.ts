import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { randomStream } from '../../../src/core/random.ts';
import { arrivalStatistics } from '../../../workloads/inspect/arrivals.ts';
import { fitRate } from '../../../workloads/synthesis/cox.ts';
import { exponentialGaps } from '../../../workloads/synthesis/gaps.ts';
import { arrivalTimes, stepTime, type Step } from '../../../workloads/synthesis/time-change.ts';

function arrivalsOf(steps: readonly Step[], seed: number): number[] {
  const times = arrivalTimes(stepTime(steps), exponentialGaps(randomStream(seed, 'test')));
  const us = Array.from(times, (atS) => Math.round(atS * 1e6));
  return us.map((each) => each - (us[0] ?? 0));
}

describe('the rate that is fitted to arrivals', () => {
  it('is never negative, ends with the last arrival and expects as many as there were', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2e7), { minLength: 2, maxLength: 50 }), (gaps) => {
        let us = 0;
        const dueUs = Float64Array.from([0, 1, ...gaps], (gap) => (us += gap));
        const { steps } = fitRate(dueUs);
        assert.ok(steps.every(({ rate, lengthS }) => rate >= 0 && lengthS >= 0));
        const expected = steps.reduce((sum, { rate, lengthS }) => sum + (lengthS === 0 ? 0 : rate * lengthS), 0);
        assert.ok(Math.abs(expected - dueUs.length) < 1e-6 * dueUs.length);
        const lengthS = steps.reduce((sum, step) => sum + step.lengthS, 0);
        assert.ok(Math.abs(lengthS - us / 1e6) < 1e-6 * lengthS + 1e-6);
      }),
      { numRuns: 50 },
    );
  });

  it('of a constant rate keeps next to nothing of what chance makes of counts', () => {
    const dueUs = arrivalsOf([{ lengthS: 2000, rate: 5 }], 1);
    const { steps } = fitRate(Float64Array.from(dueUs));
    const inTenSeconds = Array.from({ length: 199 }, (_, i) =>
      steps.slice(i * 100, (i + 1) * 100).reduce((sum, { rate, lengthS }) => sum + rate * lengthS, 0),
    );
    const mean = inTenSeconds.reduce((sum, each) => sum + each, 0) / inTenSeconds.length;
    const variance = inTenSeconds.reduce((sum, each) => sum + (each - mean) ** 2, 0) / inTenSeconds.length;
    // The counts themselves have a variance of their mean.
    assert.ok(variance < 0.3 * mean, `${variance} of ${mean}`);
  });

  it('of a rate that changes makes arrivals that vary as much at every scale', () => {
    const steps = Array.from({ length: 60 }, (_, i) => ({ lengthS: 30, rate: i % 3 === 0 ? 12 : 3 }));
    const trace = arrivalsOf(steps, 2);
    const { idc } = arrivalStatistics(trace);
    const fitted = fitRate(Float64Array.from(trace)).steps;
    const made = Array.from({ length: 8 }, (_, seed) => arrivalStatistics(arrivalsOf(fitted, seed)).idc);
    for (const scale of ['1s', '10s', '60s'] as const) {
      const mean = made.reduce((sum, each) => sum + (each[scale] ?? 0), 0) / made.length;
      assert.ok(Math.abs(mean / (idc[scale] ?? 0) - 1) < 0.15, `${scale}: ${mean} of ${idc[scale]}`);
    }
  });
});
