import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nightsToLearn, raisedBy, trendOf, type MetricTrend, type Trend } from '../../src/trend/trend.ts';
import { exampleNights } from './example-nights.ts';

const FIRST = '20260901T020000Z';

function of(trend: Trend, name: MetricTrend['name']): MetricTrend {
  const found = trend.metrics.find((metric) => metric.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

it('a slow-down of 5 % from night 30 on is raised within four nights, and dated to the night', () => {
  const trend = trendOf(exampleNights({ nights: 40, slowerFrom: 30 }), FIRST);
  for (const name of ['tpot.p50', 'e2e.p50'] as const) {
    const { changes, levels } = of(trend, name);
    assert.equal(changes.length, 1);
    const [{ between, raised, change, isBetter }] = [changes[0] ?? assert.fail()];
    assert.deepEqual(between, [28, 29]);
    assert.ok(raised >= 29 && raised <= 32, `night ${raised + 1}`);
    assert.ok(Math.abs((change ?? 0) - 0.05) < 0.012, `${change}`);
    assert.equal(isBetter, false);
    assert.equal(levels[0]?.to, 28);
    assert.ok(Math.abs((levels[0].centre ?? 0) / (name === 'tpot.p50' ? 9 : 2100) - 1) < 0.01);
    assert.deepEqual(
      raisedBy(trend, raised).filter((each) => each.name === name),
      changes,
    );
  }
  for (const name of ['ttft.p50', 'throughput', 'attainment'] as const) assert.deepEqual(of(trend, name).changes, []);
  assert.equal(trend.accepted, 0);
});

it('nights that are not valid take part in nothing, and stay in their place', () => {
  const far = { value: 1e6, change: null, verdict: null };
  const nights = exampleNights({
    nights: 36,
    slowerFrom: 30,
    invalid: [3, 24, 25, 26, 30],
    over: (night) => ([3, 24, 25, 26, 30].includes(night) ? { 'tpot.p50': far } : {}),
  });
  const { changes, points, levels } = of(trendOf(nights, FIRST), 'tpot.p50');
  assert.deepEqual(
    changes.map(({ between }) => between),
    [[28, 30]],
  );
  assert.equal(points.filter(({ isValid }) => !isValid).length, 5);
  assert.ok(points.every(({ isOutlier }) => !isOutlier));
  assert.equal(levels[0]?.nights, 25);
});

it('a single odd night is an outlier, and no change', () => {
  const { changes, points } = of(trendOf(exampleNights({ nights: 40, odd: [27] }), FIRST), 'ttft.p50');
  assert.deepEqual(changes, []);
  assert.deepEqual(
    points.filter(({ isOutlier }) => isOutlier).map(({ night }) => night),
    [26],
  );
});

it('more tokens a second are better, fewer worse', () => {
  const at = (value: number) => ({ value, change: null, verdict: null });
  const nights = exampleNights({ nights: 30, over: (night) => (night > 24 ? { throughput: at(1700) } : {}) });
  assert.deepEqual(
    of(trendOf(nights, FIRST), 'throughput').changes.map(({ isBetter }) => isBetter),
    [true],
  );
});

it('failed quantiles raise a change without a size', () => {
  const failed = { value: null, change: null, verdict: null };
  const nights = exampleNights({ nights: 30, over: (night) => (night > 24 ? { 'ttft.p50': failed } : {}) });
  const { changes } = of(trendOf(nights, FIRST), 'ttft.p50');
  assert.deepEqual(
    changes.map(({ change, isBetter, between }) => [change, isBetter, between]),
    [[null, false, [23, 24]]],
  );
});

it('says how many nights a level needs', () => {
  const trend = trendOf(exampleNights({ nights: 7 }), null);
  assert.equal(nightsToLearn(of(trend, 'ttft.p50')), 13);
  assert.equal(trend.accepted, null);
  assert.equal(of(trend, 'ttft.p50').levels[0]?.band, null);
});
