import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomStream, uniform } from '../../src/core/random.ts';
import { blockInterval } from '../../src/metrics/bootstrap.ts';

/** Requests at random times over `seconds`; `chance(t)` says how likely one at second t meets its SLO. */
function sample(seed: number, requests: number, seconds: number, stayMs: number, chance: (second: number) => number) {
  const random = randomStream(seed, 'test');
  const dueUs = Float64Array.from({ length: requests }, () => Math.floor(uniform(random) * seconds * 1e6)).sort();
  const met = Array.from(dueUs, (due) => (uniform(random) < chance(due / 1e6) ? 1 : 0));
  return { dueUs, met, timeInSystemUs: stayMs * 1000, seed };
}
const ofStay = (stayMs: number) => blockInterval(sample(1, 1000, 100, stayMs, () => 0.9));
const shareOf = (met: readonly number[]) => met.reduce((total, one) => total + one, 0) / met.length;

test('of independent requests, 95 % intervals cover the truth in about 95 % of trials', () => {
  for (const [name, stayMs] of [
    ['100 blocks', 500],
    ['20 blocks', 2400],
    ['10 batches', 5000],
  ] as const) {
    let covered = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { ci95 } = blockInterval(sample(seed, 1000, 100, stayMs, () => 0.9));
      assert.ok(ci95 !== null, name);
      if (ci95[0] <= 0.9 && 0.9 <= ci95[1]) covered++;
    }
    assert.ok(covered >= 180 && covered <= 198, `${name}: ${covered} of 200 cover`);
  }
});

test('where requests share their luck, the interval is wider than the naive one, and still covers', () => {
  let [covered, ratios] = [0, 0];
  for (let seed = 0; seed < 200; seed++) {
    // Each second is good (0.98) or bad (0.5) as a whole; the truth is the mean of both chances.
    const luck = randomStream(seed, 'luck');
    const chances = Array.from({ length: 201 }, () => (uniform(luck) < 0.8 ? 0.98 : 0.5));
    const drawn = sample(seed, 2000, 200, 1000, (second) => chances[Math.floor(second)] ?? 0);
    const { ci95, nEff } = blockInterval(drawn);
    assert.ok(ci95 !== null && nEff !== null);
    if (ci95[0] <= 0.884 && 0.884 <= ci95[1]) covered++;
    const share = shareOf(drawn.met);
    ratios += (ci95[1] - ci95[0]) / (2 * 1.96 * Math.sqrt((share * (1 - share)) / 2000));
  }
  assert.ok(covered >= 178, `${covered} of 200 cover`);
  assert.ok(ratios / 200 > 1.3, `on average ${ratios / 200} times the naive width`);
});

test('n_eff of independent requests is about their number, of dependent ones less', () => {
  const independent = blockInterval(sample(3, 5000, 500, 500, () => 0.9));
  assert.ok(independent.nEff !== null && independent.nEff > 3500 && independent.nEff < 7000, `${independent.nEff}`);
  const dependent = blockInterval(
    sample(3, 5000, 500, 5000, (second) => (Math.floor(second / 10) % 3 === 0 ? 0.6 : 1)),
  );
  assert.ok(dependent.nEff !== null && dependent.nEff < 1500, `${dependent.nEff}`);
});

test('fewer than 20 blocks are not sufficient, fewer than 6 have no interval', () => {
  assert.equal(ofStay(2400).sufficient, true);
  assert.deepEqual([ofStay(2600).sufficient, ofStay(2600).ci95 === null], [false, false]);
  assert.deepEqual(ofStay(9000), { ci95: null, nEff: null, sufficient: false });
  assert.equal(blockInterval({ dueUs: new Float64Array(0), met: [], timeInSystemUs: null, seed: 1 }).ci95, null);
});

test('where all meet the SLO the interval is not of width zero', () => {
  const { ci95 } = blockInterval(sample(1, 1000, 100, 500, () => 1));
  assert.ok(ci95 !== null && ci95[1] === 1 && ci95[0] > 0.99 && ci95[0] < 0.997);
});

test('the same seed draws the same interval, whatever the order of records', () => {
  const drawn = sample(5, 500, 100, 500, () => 0.8);
  const reversed = { ...drawn, dueUs: drawn.dueUs.toReversed(), met: drawn.met.toReversed() };
  assert.deepEqual(blockInterval(reversed), blockInterval(drawn));
  assert.notDeepEqual(blockInterval({ ...drawn, seed: 6 }), blockInterval(drawn));
});
