import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UserError } from '../../../src/core/errors.ts';
import { sineOfTurns } from '../../../src/core/portable-math.ts';
import { ARRIVAL_FORMS, parseArrivals } from '../../../workloads/synthesis/arrivals.ts';

/** Arrivals in so many seconds. */
function until(text: string, seed: number, endS: number): number[] {
  const times: number[] = [];
  for (const atS of parseArrivals(text)(seed)) {
    if (atS >= endS) break;
    times.push(atS);
  }
  return times;
}

/** Whether a count is one of these that are usual: five deviations, where counts vary `idc` times as a Poisson process's. */
function assertCount(found: number, expected: number, idc: number, name: string): void {
  assert.ok(Math.abs(found - expected) < 5 * Math.sqrt(expected * idc) + 2, `${name}: ${found}, expected ${expected}`);
}

function meanAndVariance(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}

/** By the logarithms of lognormal gaps: the tail of their distribution makes the variance of the gaps vary much. */
function gapCv(times: readonly number[], family: string): number {
  const gaps = times.slice(1).map((atS, i) => atS - (times[i] ?? 0));
  if (family === 'lognormal') return Math.sqrt(Math.expm1(meanAndVariance(gaps.map(Math.log)).variance));
  const { mean, variance } = meanAndVariance(gaps);
  return Math.sqrt(variance) / mean;
}

const rates = fc.double({ min: 0.1, max: 50, noNaN: true }).map((rate) => Number(rate.toFixed(3)));
const seeds = fc.integer({ min: 0, max: 1000 });

describe('arrivals', () => {
  it('have the rate and the variation of gaps that they are given, from the beginning on', () => {
    const families = fc.constantFrom('poisson', 'constant', 'gamma', 'weibull', 'lognormal');
    const cvs = fc.double({ min: 0.4, max: 1.8, noNaN: true }).map((cv) => Number(cv.toFixed(2)));
    fc.assert(
      fc.property(families, rates, cvs, seeds, (family, rate, wanted, seed) => {
        const isPlain = family === 'poisson' || family === 'constant';
        const cv = family === 'poisson' ? 1 : family === 'constant' ? 0 : wanted;
        const times = until(`${family}:rate=${rate}${isPlain ? '' : `,cv=${cv}`}`, seed, 6000 / rate);
        assertCount(times.length, 6000, Math.max(cv * cv, 0.01), family);
        const found = gapCv(times, family);
        assert.ok(Math.abs(found - cv) <= 0.2 * cv + 1e-9, `${family}: ${found} of ${cv}`);
      }),
      { numRuns: 20 },
    );
  });

  it('begin as they go on: of irregular gaps no crowd comes first', () => {
    for (const family of ['gamma', 'weibull', 'lognormal']) {
      let first = 0;
      for (let seed = 0; seed < 1500; seed++) first += until(`${family}:rate=10,cv=2`, seed, 1).length;
      // An ordinary renewal process would have 1.5 more in each.
      assertCount(first, 15_000, 5, family);
    }
  });

  it('follow a rate that changes', () => {
    const times = until('piecewise:0s=2,500s=8,1000s=0,1500s=1,cv=1.5', 3, 3000);
    const between = (from: number, to: number): number => times.filter((atS) => atS >= from && atS < to).length;
    assertCount(between(0, 500), 1000, 2.25, 'first piece');
    assertCount(between(500, 1000), 4000, 2.25, 'second');
    assert.equal(between(1000, 1500), 0);
    assertCount(between(1500, 3000), 1500, 2.25, 'the last has no end');

    const daily = until('diurnal:rate=5,amplitude=0.8,period=1000s,phase=100s', 4, 4000);
    for (let fromS = 0; fromS < 4000; fromS += 250) {
      const integral = (atS: number): number =>
        atS - ((0.8 * 1000) / (2 * Math.PI)) * Math.sin((2 * Math.PI * (atS + 100)) / 1000);
      const expected = 5 * (integral(fromS + 250) - integral(fromS));
      assertCount(daily.filter((atS) => atS >= fromS && atS < fromS + 250).length, expected, 1, `from ${fromS}`);
    }
  });

  it('of processes that switch have the mean rate of their states', () => {
    const endS = 40_000;
    for (const { text, mean, idc } of [
      // IDC of a process of two states: 1 + 2 (difference of rates)^2 p q / (mean rate * sum of switching rates).
      { text: 'mmpp:rates=2/10,dwell=60s/20s', mean: 4, idc: 1 + (2 * 64 * 0.75 * 0.25) / (4 * (1 / 60 + 1 / 20)) },
      { text: 'onoff:rate=9,on=30s,off=60s', mean: 3, idc: 1 + (2 * 81 * (2 / 9)) / (3 * (1 / 30 + 1 / 60)) },
    ])
      assertCount(until(text, 1, endS).length, mean * endS, idc, text);
  });

  it('are the same for the same seed, and others for another', () => {
    for (const form of Object.values(ARRIVAL_FORMS)) {
      const text = form.replaceAll(/\[[^\]]*\]/g, '');
      assert.deepEqual(until(text, 1, 20), until(text, 1, 20), text);
      assert.notDeepEqual(until(text, 1, 20), until(text, 2, 20), text);
    }
  });

  it('that cannot be read are refused with the option and the wrong part', () => {
    for (const text of [
      'gama:rate=5,cv=2',
      'gamma:rate=5',
      'gamma:rate=0,cv=1',
      'poisson:rate=5,cv=2',
      'poisson:rate=5,rate=6',
      'poisson:rate=1e9x',
      'mmpp:rates=1/2,dwell=3s',
      'mmpp:rates=0/0,dwell=3s/3s',
      'piecewise:5s=1',
      'piecewise:0s=1,0.0s=2',
      'diurnal:rate=1,amplitude=2,period=1h',
      'onoff:rate=1,on=3,off=2s',
      '',
    ])
      assert.throws(
        () => parseArrivals(text),
        (thrown) => thrown instanceof UserError && thrown.message.startsWith('--arrivals'),
        text,
      );
  });
});

it('the sine of an angle in turns is that of Math', () => {
  fc.assert(
    fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), (turns) => {
      const rest = turns - Math.round(turns);
      assert.ok(Math.abs(sineOfTurns(turns) - Math.sin(2 * Math.PI * rest)) < 1e-14);
    }),
  );
});
