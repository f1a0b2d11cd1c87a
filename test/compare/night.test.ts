import assert from 'node:assert/strict';
import { it } from 'node:test';
import { changeOfNight, intervalOf } from '../../src/compare/change.ts';
import { testFamily, verdictOf } from '../../src/compare/verdicts.ts';

const LEVEL = { lnCentre: Math.log(100), nights: 20, lnSd: 0.01, df: 19 };

it('one night has the error of a night and of the level', () => {
  const change = changeOfNight(105, LEVEL);
  assert.ok(Math.abs(change.ln - Math.log(1.05)) < 1e-12);
  assert.equal(change.error, 0.01 * Math.sqrt(1 + 1 / 20));
  const [low = 0, high = 0] = intervalOf(change, 0.95) ?? [];
  // Student's t of 19 degrees of freedom: 2.093.
  assert.ok(Math.abs((high - low) / 2 - 2.093 * 0.010247) < 1e-5);
});

it('is worse beyond the margin, and not judged where the level is not known', () => {
  const family = [
    { base: [101], now: [105], isFinite: true, level: LEVEL },
    { base: [101], now: [100.4], isFinite: true, level: { ...LEVEL, lnSd: 0.001 } },
    { base: [101], now: [105], isFinite: true },
    { base: [101], now: [Infinity], isFinite: false, level: LEVEL },
  ];
  const tested = testFamily(family, 'nights', Math.log(1.02));
  const verdicts = tested.map(({ change, adjustedP }) =>
    change === null ? null : verdictOf(change, { margin: Math.log(1.02), adjustedP, moreIsBetter: false }),
  );
  assert.deepEqual(verdicts, ['worse', 'same', 'provisional', null]);
  // The run that was accepted is one of the level's, and not what is compared.
  assert.ok(Math.abs((tested[0]?.change?.ln ?? 0) - Math.log(1.05)) < 1e-12);
});

it('a level without any spread tells every other value apart', () => {
  const exact = { ...LEVEL, lnSd: 0 };
  const [same, other] = testFamily(
    [
      { base: [100], now: [100], isFinite: true, level: { ...exact, lnCentre: 0 } },
      { base: [1], now: [0.9], isFinite: true, level: { ...exact, lnCentre: 0 } },
    ],
    'nights',
    0.02,
  );
  assert.equal(other?.pValue, 0);
  assert.equal(same?.pValue, 0);
});
