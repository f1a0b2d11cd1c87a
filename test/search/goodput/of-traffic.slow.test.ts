import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTraffic, TRAFFIC_SYSTEMS } from '../../../scripts/calibration/simulated-traffic.ts';

test('the goodput of Poisson traffic is found within 5 %, by an interval that holds it', async () => {
  const found = [];
  for (const system of TRAFFIC_SYSTEMS)
    for (const seed of [1, 3]) {
      const { fit, end, requests } = await simulatedTraffic(system, 'poisson', {
        seed,
        precision: 0.05,
        mostRequests: 60_000,
      });
      assert.ok(fit !== null && end === 'found' && requests < 40_000, `${system.name}: ${end}, ${requests}`);
      const error = Math.abs(fit.lnRate - Math.log(system.goodputRps.poisson));
      found.push({ system: system.name, seed, error, halfWidth: fit.halfWidth });
    }
  assert.ok(found.filter(({ error }) => error <= 0.05).length >= 7, JSON.stringify(found));
  assert.ok(found.filter(({ error, halfWidth }) => error <= halfWidth).length >= 7, JSON.stringify(found));
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
