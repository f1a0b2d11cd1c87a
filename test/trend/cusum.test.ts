import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { cusumOf } from '../../src/trend/cusum.ts';
import { levelOf, medianOf, standardised } from '../../src/trend/level.ts';

/** Twenty nights of median 0 and median absolute deviation 1. */
const QUIET = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 1 : -1));
/** One spread of it: 1.1 x 1.4826. */
const SPREAD = 1.1 * 1.4826;

describe('the level of some nights', () => {
  it('is the median and 1.1 times the robust deviation, which an odd night does not move', () => {
    assert.deepEqual(levelOf(QUIET), { centre: 0, spread: SPREAD });
    assert.equal(levelOf([...QUIET, 1e9]).centre, 1);
    assert.equal(medianOf([3, 1, 2]), 2);
    assert.equal(medianOf([Infinity, 1, Infinity]), Infinity);
  });
  it('spreads as far as the few nights that are not equal', () => {
    const { centre, spread } = levelOf([...Array.from({ length: 19 }, () => 5), 6]);
    assert.equal(centre, 5);
    assert.ok(Math.abs(spread - Math.sqrt((19 * 0.05 ** 2 + 0.95 ** 2) / 19)) < 1e-12);
    assert.equal(levelOf([0.1, 0.1, 0.1]).spread, 0);
  });
  it('has every other value infinitely far away where nights do not spread', () => {
    assert.equal(standardised(1.1, { centre: 1, spread: 0 }), Infinity);
    assert.equal(standardised(1, { centre: 1, spread: 0 }), 0);
    assert.equal(standardised(Infinity, { centre: 1, spread: 1 }), Infinity);
    assert.equal(standardised(1, { centre: Infinity, spread: Infinity }), 0);
  });
});

describe('the CUSUM', () => {
  const [up, down] = [5 * SPREAD, -5 * SPREAD];
  it('raises a large shift in the third night, and says where it began', () => {
    // Each night counts 3 spreads at most, less the slack of 1: 2, 4, 6.
    const { alarms, stretches } = cusumOf([...QUIET, up, up, up, up]);
    assert.deepEqual(alarms, [{ at: 22, from: 20, direction: 'up' }]);
    assert.deepEqual(
      stretches.map(({ from, to }) => [from, to]),
      [
        [0, 20],
        [20, 24],
      ],
    );
    assert.deepEqual(cusumOf([...QUIET, down, down, down]).alarms, [{ at: 22, from: 20, direction: 'down' }]);
  });
  it('adds up a small shift: 1.5 spreads in the ninth night', () => {
    const { alarms } = cusumOf([...QUIET, ...Array.from({ length: 12 }, () => 1.5 * SPREAD)]);
    assert.deepEqual(alarms, [{ at: 28, from: 20, direction: 'up' }]);
  });
  it('marks single nights far away as outliers, without an alarm', () => {
    const { alarms, outliers } = cusumOf([...QUIET, up, 0, 0, 0, down, 0]);
    assert.deepEqual(alarms, []);
    assert.deepEqual(outliers, [20, 24]);
    // Two in a row are none, and not yet a change.
    assert.deepEqual(cusumOf([...QUIET, up, up]).outliers, []);
  });
  it('takes a failed quantile, infinite, for a night far away', () => {
    assert.deepEqual(cusumOf([...QUIET, Infinity, Infinity, Infinity]).alarms, [{ at: 22, from: 20, direction: 'up' }]);
  });
  it('decides nothing in twenty nights, and begins anew after a change', () => {
    assert.deepEqual(cusumOf(Array.from({ length: 20 }, (_, i) => i * i)).alarms, []);
    const back = [...QUIET, ...QUIET.map((value) => value + up), 0, 0, 0];
    assert.deepEqual(
      cusumOf(back).alarms.map(({ from, direction }) => [from, direction]),
      [
        [20, 'up'],
        [40, 'down'],
      ],
    );
  });
  it('says of a night what it says without the later ones', () => {
    const series = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 25, maxLength: 70 });
    fc.assert(
      fc.property(series, fc.nat(), (values, cut) => {
        const until = cut % values.length;
        const whole = cusumOf(values).alarms.filter(({ at }) => at < until);
        assert.deepEqual(cusumOf(values.slice(0, until)).alarms, whole);
      }),
    );
  });
  it('is the same upside down, and in other units', () => {
    const series = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 25, maxLength: 70 });
    fc.assert(
      fc.property(series, (values) => {
        const { alarms } = cusumOf(values);
        const mirrored = cusumOf(values.map((value) => -value)).alarms;
        assert.deepEqual(
          mirrored.map(({ at, from }) => [at, from]),
          alarms.map(({ at, from }) => [at, from]),
        );
        assert.deepEqual(cusumOf(values.map((value) => value * 4 + 16)).alarms, alarms);
      }),
    );
  });
});
