import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CASES } from '../../scripts/calibration/cases.ts';
import { coverageOf, outcomes } from '../../scripts/calibration/coverage.ts';

/** A small part of `scripts/calibration/attainment.ts`, at the rates that it finds. The same figures on every machine. */
async function measured(name: string, rateRps: number, requests: number, seeds: number) {
  const found = CASES.find((each) => each.name === name);
  assert.ok(found !== undefined, name);
  return coverageOf(await outcomes(found, await found.traffic(), { rateRps, seeds, requests }), found.goal);
}

test('near saturation 95 % intervals cover the truth, at less than twice the ideal width', async () => {
  for (const [name, rateRps] of [
    ['v0 poisson 0.9', 5.042],
    ['strict poisson 0.95', 19.682],
  ] as const) {
    const { ours, bootstrap, wilson, width, given } = await measured(name, rateRps, 5000, 20);
    const says = `${name}: ${JSON.stringify({ given, ours, bootstrap, wilson, width })}`;
    assert.ok(given.share === 1 && ours.share >= 0.9 && width < 2, says);
    // What independence would promise, and blocks of twice a stay.
    assert.ok(wilson.share < 0.6 && bootstrap.share < ours.share, says);
  }
});

test('where the truth is below the goal, hardly a run gets a tick', async () => {
  const { truth, ticks } = await measured('v0 poisson 0.9', 5.3, 3000, 20);
  assert.ok(truth < 0.9 && ticks.share <= 0.1, JSON.stringify({ truth, ticks }));
});

test('far too much load is called overloaded, what is carried is not', async () => {
  assert.equal((await measured('v0 poisson 0.9', 4, 1000, 8)).overloaded.share, 0);
  assert.equal((await measured('v0 poisson 0.9', 5.042, 1000, 8)).overloaded.share, 0);
  assert.equal((await measured('v0 poisson 0.9', 10, 1000, 8)).crosses.share, 1);
  assert.equal((await measured('loose poisson 0.9', 120, 1000, 8)).crosses.share, 1);
});
