import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTraffic, TRAFFIC_SYSTEMS } from '../../../scripts/calibration/simulated-traffic.ts';

test('the goodput of Poisson traffic is found within 5 %, by an interval that holds it', async () => {
  for (const system of TRAFFIC_SYSTEMS) {
    const found = [];
    for (const seed of [1, 3, 4, 5]) {
      const { fit, end, requests } = await simulatedTraffic(system, 'poisson', {
        seed,
        precision: 0.05,
        mostRequests: 60_000,
      });
      assert.ok(fit !== null, system.name);
      const lnRatio = fit.lnRate - Math.log(system.goodputRps.poisson);
      found.push({ end, requests, lnRatio, halfWidth: fit.halfWidth });
    }
    const says = `${system.name}: ${JSON.stringify(found)}`;
    assert.ok(
      found.every(({ end, requests }) => end === 'found' && requests < 40_000),
      says,
    );
    assert.ok(found.filter(({ lnRatio }) => Math.abs(lnRatio) <= 0.05).length >= 3, says);
    assert.ok(found.filter(({ lnRatio, halfWidth }) => Math.abs(lnRatio) <= halfWidth).length >= 3, says);
  }
});

test('a budget that is too small ends the search, with the width that it came to', async () => {
  const [system] = TRAFFIC_SYSTEMS;
  assert.ok(system !== undefined);
  const { fit, end, requests } = await simulatedTraffic(system, 'poisson', {
    seed: 1,
    precision: 0.05,
    mostRequests: 3000,
  });
  assert.ok(
    end === 'budget' && requests <= 3000 && (fit?.halfWidth ?? 0) > 0.05,
    JSON.stringify({ end, requests, fit }),
  );
});
