import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { randomStream, standardNormal, uniform } from '../../src/core/random.ts';
import { attainmentInterval, supports } from '../../src/metrics/attainment-interval.ts';
import { type JudgedRequests, slackOf } from '../../src/metrics/judged-requests.ts';

interface Judged {
  readonly due: number;
  readonly stay: number;
  /** Largest ratio of a latency to its limit; null where the request failed. */
  readonly ratio: number | null;
}

const judged = (requests: readonly Judged[]): JudgedRequests => ({
  dueUs: Float64Array.from(requests, ({ due }) => due),
  staysUs: Float64Array.from(requests, ({ stay }) => stay),
  met: Float64Array.from(requests, ({ ratio }) => (ratio !== null && ratio <= 1 ? 1 : 0)),
  slacks: Float64Array.from(requests, ({ ratio }) => (ratio === null ? Number.NaN : slackOf(ratio))),
});
const of = (requests: readonly Judged[]) => attainmentInterval(judged(requests));
const NONE = { ci95: null, nEff: null, sufficient: false, overloaded: false };

/** Requests that come at random over `seconds`; `ratio` is drawn for each from its due time. */
function drawn(
  seed: number,
  { requests = 1000, seconds = 100, stayMs = 500 },
  ratio: (dueS: number, random: () => number) => number | null,
): Judged[] {
  const random = randomStream(seed, 'test');
  const draw = () => uniform(random);
  return Array.from({ length: requests }, () => {
    const due = Math.floor(draw() * seconds * 1e6);
    return { due, stay: stayMs * 1000, ratio: ratio(due / 1e6, draw) };
  });
}
/** Meets with this chance, whatever others do. */
const chance = (p: number) => (_: number, draw: () => number) => (draw() < p ? 0.5 * (1 + draw()) : 1 + draw());
const covers = (ci95: readonly [number, number] | null, truth: number) =>
  ci95 !== null && ci95[0] <= truth && truth <= ci95[1];

test('independent requests: it covers the truth, and is little wider than it need be', () => {
  let [covered, widths] = [0, 0];
  for (let seed = 0; seed < 200; seed++) {
    const { ci95, nEff } = of(drawn(seed, {}, chance(0.9)));
    assert.ok(ci95 !== null && nEff !== null && nEff <= 1000);
    if (covers(ci95, 0.9)) covered++;
    widths += ci95[1] - ci95[0];
  }
  assert.ok(covered >= 186, `${covered} of 200 cover`);
  const ideal = 3.92 * Math.sqrt((0.9 * 0.1) / 1000);
  assert.ok(widths / 200 < 1.4 * ideal, `${widths / 200 / ideal} times the ideal width`);
});

test('requests that share a queue: it covers where a queue remembers for ten stays', () => {
  let covered = 0;
  for (let seed = 0; seed < 200; seed++) {
    // The logarithm of the ratio is that of a second: first-order autoregressive, correlated over about 5 s.
    const random = randomStream(seed, 'queue');
    let level = standardNormal(random);
    const levels = Array.from({ length: 301 }, () => {
      level = 0.82 * level + Math.sqrt(1 - 0.82 ** 2) * standardNormal(random);
      return level;
    });
    // 90 % of normal values lie below 1.2816.
    const requests = drawn(seed, { requests: 3000, seconds: 300 }, (dueS) =>
      Math.exp((levels[Math.floor(dueS)] ?? 0) - 1.2816),
    );
    const { ci95, nEff } = of(requests);
    if (covers(ci95, 0.9)) covered++;
    assert.ok(nEff !== null && nEff < 1000, `n_eff ${nEff}`);
  }
  assert.ok(covered >= 176, `${covered} of 200 cover`);
});

test('where all met or none did, it has a width that the slack gives', () => {
  const all = of(drawn(1, {}, (_, draw) => draw()));
  assert.ok(all.ci95 !== null && all.ci95[1] === 1 && all.ci95[0] > 0.99 && all.ci95[0] < 1, `${all.ci95}`);
  const none = of(drawn(1, {}, (_, draw) => 1.1 + draw()));
  assert.ok(none.ci95 !== null && none.ci95[0] === 0 && none.ci95[1] > 0 && none.ci95[1] < 0.01, `${none.ci95}`);
  // Near the limit for 25 s of every 100: the same share, of requests that hang together.
  const together = of(drawn(1, {}, (dueS, draw) => (dueS < 25 ? 0.9 + 0.1 * draw() : 0.5 * draw())));
  assert.ok(together.ci95 !== null && together.ci95[0] < all.ci95[0] - 0.005, `${together.ci95} beside ${all.ci95}`);
});

test('failed requests miss, and hang together as late ones do', () => {
  const failing = (isFailing: (dueS: number, draw: () => number) => boolean) =>
    of(drawn(7, {}, (dueS, draw) => (isFailing(dueS, draw) ? null : draw())));
  const scattered = failing((_, draw) => draw() < 0.1);
  const spell = failing((dueS) => dueS >= 40 && dueS < 50);
  assert.ok(scattered.ci95 !== null && covers(scattered.ci95, 0.9));
  assert.ok(spell.ci95 !== null && covers(spell.ci95, 0.9));
  assert.ok((spell.nEff ?? 0) < (scattered.nEff ?? 0) / 5, `${spell.nEff}, ${scattered.nEff}`);
});

test('where no request was answered the share is near 0: no more independent requests than blocks, a few of them enough', () => {
  const noneOf = (n: number) =>
    attainmentInterval({
      dueUs: Float64Array.from({ length: n }, (_, i) => i * 1e6),
      staysUs: new Float64Array(n).fill(60e6),
      met: new Float64Array(n),
      slacks: new Float64Array(n).fill(Number.NaN),
    });
  assert.deepEqual(
    [1, 5, 200].map((n) => supports({ ...noneOf(n), joint: 0 }, 0.9)),
    ['unsure', 'missed', 'missed'],
  );
  assert.ok((noneOf(200).ci95?.[1] ?? 1) < 0.4);
  assert.equal(noneOf(0).ci95, null);
});

test('requests that never ended stay for ever: more than a tenth of them leave no interval', () => {
  const unsent = (share: number) => {
    const requests = drawn(3, {}, (_, draw) => draw());
    return of(requests.map((each, i) => (i % 100 < share * 100 ? { ...each, stay: Infinity, ratio: null } : each)));
  };
  assert.ok(unsent(0.05).ci95 !== null);
  assert.deepEqual(unsent(0.2), NONE);
});

test('fewer than ten stays in the span carry no interval; few are not sufficient', () => {
  const ofStay = (stayMs: number) => of(drawn(1, { stayMs }, chance(0.9)));
  assert.deepEqual([ofStay(500).sufficient, ofStay(500).ci95 !== null], [true, true]);
  assert.deepEqual([ofStay(6000).sufficient, ofStay(6000).ci95 !== null], [false, true]);
  assert.deepEqual(ofStay(10_500), NONE);
  // Under 15 s no swing of the arrivals is known.
  const short = of(drawn(1, { seconds: 14, stayMs: 100 }, chance(0.9)));
  assert.deepEqual([short.sufficient, short.ci95 !== null], [false, true]);
});

test('arrivals that swing as long as the span are not sufficient', () => {
  const swinging = drawn(1, { requests: 4000 }, chance(0.9)).filter(({ due }, i) => due < 50e6 || i % 4 === 0);
  assert.equal(of(swinging).sufficient, false);
});

test('very few requests, and all at one instant, carry none', () => {
  const every = (count: number, gapUs: number, ratio: number | null = 0.5) =>
    Array.from({ length: count }, (_, i) => ({ due: i * gapUs, stay: 1000, ratio }));
  assert.deepEqual(of([]), NONE);
  assert.deepEqual(of(every(1, 1)), NONE);
  assert.deepEqual(of(every(1000, 0)), NONE);
  assert.deepEqual(of(every(1000, 0, 2)), NONE);
  // Ten stays in the span of two or of nine requests: an interval that says next to nothing.
  for (const [count, atMost] of [
    [2, 0.34],
    [9, 0.7],
  ] as const) {
    const { ci95, sufficient } = of(every(count, 1e6));
    assert.ok(ci95 !== null && ci95[0] < atMost && ci95[1] === 1, `${count}: ${ci95}`);
    assert.equal(sufficient, false);
  }
});

const anyRequest = fc.record({
  due: fc.oneof(fc.nat(20), fc.nat(1e9)),
  stay: fc.oneof(fc.constant(0), fc.nat(1000), fc.nat(1e8), fc.constant(Infinity)),
  ratio: fc.oneof(fc.constant(null), fc.constant(1), fc.double({ min: 0, max: 1e7, noNaN: true })),
});

test('whatever the requests: no NaN, bounds around the share, no more independent requests than there are', () => {
  fc.assert(
    fc.property(fc.array(anyRequest, { maxLength: 60 }), (requests) => {
      const { ci95, nEff, overloaded, sufficient } = of(requests);
      assert.deepEqual(of(requests.toReversed()), { ci95, nEff, overloaded, sufficient });
      assert.equal(ci95 === null, nEff === null);
      if (ci95 === null || nEff === null) return assert.equal(sufficient, false);
      const joint = requests.filter(({ ratio }) => ratio !== null && ratio <= 1).length / requests.length;
      assert.ok(0 <= ci95[0] && ci95[0] <= joint && joint <= ci95[1] && ci95[1] <= 1, `${ci95} around ${joint}`);
      assert.ok(ci95[0] < ci95[1]);
      assert.ok(Number.isInteger(nEff) && nEff >= 1 && nEff <= requests.length && !overloaded);
    }),
    { numRuns: 2000 },
  );
});

test('an overload is no miss where the wanted share was met all the same', () => {
  assert.equal(supports({ ci95: null, overloaded: true, joint: 0.15 }, 0.1), 'unsure');
});

test('only an interval that leaves the goal out decides, and an overload is a miss', () => {
  const says = (ci95: readonly [number, number] | null, overloaded = false) =>
    supports({ ci95, overloaded, joint: 0.5 }, 0.9);
  assert.deepEqual(
    [says([0.9, 1]), says([0.8, 0.95]), says([0.8, 0.9]), says([0.8, 0.89]), says(null), says(null, true)],
    ['met', 'unsure', 'unsure', 'missed', 'unsure', 'missed'],
  );
});
