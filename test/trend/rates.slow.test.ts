import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  falseAlarms,
  findings,
  normalNights,
  verdicts,
  type DrawNight,
} from '../../scripts/calibration/trend-rates.ts';

const HISTORIES = 300;
const calm = normalNights(0);
const slower: DrawNight = (random) => calm(random) + Math.log1p(0.05);

// `scripts/calibration/trend.ts` counts more, and simulated runs.
it('100 nights with 4 % outliers raise at most 0.3 false alarms, where a rule of 3 deviations raises ten times as many', () => {
  const { cusum, plain } = falseAlarms(normalNights(0.04), { histories: HISTORIES });
  assert.ok(cusum <= 0.3, `${cusum}`);
  assert.ok(plain > 2, `${plain}`);
});

it('+5 % at a spread of 1 % is raised within four nights in 95 %, and dated to within a night in 90 %', () => {
  const { within4, nights, datedWithin1 } = findings(calm, slower, { histories: HISTORIES });
  assert.ok(within4 >= 0.95, `${within4}`);
  assert.equal(nights, 3);
  assert.ok(datedWithin1 >= 0.9, `${datedWithin1}`);
});

it('one night against twenty is called changed in at most 8 %, against one accepted alone too', () => {
  for (const isAlone of [false, true])
    for (const outliers of [0, 0.04]) {
      const draw = normalNights(outliers);
      // An outlier is a night that was another.
      const rate = verdicts(draw, calm, { earlier: 20, isAlone: isAlone && outliers === 0 });
      assert.ok(rate <= 0.08, `${rate}, ${outliers}`);
    }
  assert.ok(verdicts(calm, slower, { earlier: 20, isAlone: false }) >= 0.95);
  assert.ok(verdicts(calm, slower, { earlier: 20, isAlone: true }) >= 0.85);
});
