import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { driftsOf, type DriftingMetric, type Places } from '../../src/compare/drift.ts';
import { exp } from '../../src/core/portable-math.ts';
import { randomStream, standardNormal } from '../../src/core/random.ts';
import { JUDGED_NAMES } from '../../src/schema/comparison.ts';
import { abba } from '../../src/search/ab/order.ts';

/** Spread of the logarithm from run to run. */
const SPREAD = 0.01;
/** How much the base is below the new system: no drift. */
const CHANGE = 0.1;

/** Where the runs of A B B A stand. */
function placesOf(repeats: number): Places {
  const order = abba(repeats).map(({ side }, place) => ({ side, place }));
  const of = (wanted: string): number[] => order.filter(({ side }) => side === wanted).map(({ place }) => place);
  return { base: of('base'), now: of('new') };
}

/** A family of metrics: half of the noise of a run is in all of them, as its speed is. */
function family(seed: number, places: Places, drift: number): DriftingMetric[] {
  const random = randomStream(seed, 'drift');
  const all = Array.from(
    { length: places.base.length + places.now.length },
    () => SPREAD * Math.SQRT1_2 * standardNormal(random),
  );
  const value = (place: number, change: number): number =>
    exp((all[place] ?? 0) + SPREAD * Math.SQRT1_2 * standardNormal(random) + drift * place + change);
  return JUDGED_NAMES.map((name) => ({
    name,
    base: places.base.map((place) => value(place, 0)),
    now: places.now.map((place) => value(place, CHANGE)),
    isFinite: true,
  }));
}

function shareFound(repeats: number, drift: number, draws: number): number {
  const places = placesOf(repeats);
  const found = Array.from({ length: draws }, (_, i) => driftsOf(family(i, places, drift), places).length > 0);
  return found.filter(Boolean).length / draws;
}

describe('how often a drift is claimed', () => {
  it('is claimed of runs without one in at most 7 % of comparisons, over all judged metrics', (t) => {
    for (const repeats of [2, 4, 6]) {
      const share = shareFound(repeats, 0, 400);
      t.diagnostic(`${repeats} + ${repeats}: ${share}`);
      assert.ok(share <= 0.07, `${repeats} + ${repeats}: ${share}`);
    }
  });

  it('of 1 % a run is found among runs that differ by 1 %', (t) => {
    const [four, six] = [shareFound(4, 0.01, 200), shareFound(6, 0.01, 200)];
    t.diagnostic(`4 + 4: ${four}, 6 + 6: ${six}`);
    assert.ok(four >= 0.9 && six >= 0.99, `${four} ${six}`);
  });
});
