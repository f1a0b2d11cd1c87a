import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { randomStream, uniform } from '../../src/core/random.ts';
import { StimulusCollector, stimulusReasons } from '../../src/metrics/stimulus.ts';
import type { Stimulus } from '../../src/schema/validity-parts.ts';
import { exampleRecord } from '../runs/example-records.ts';

/** What left so long after it was due; times in microseconds. */
function stimulus(dueUs: readonly number[], lateUs: (i: number) => number, ttftMs = 50): Stimulus {
  const collector = new StimulusCollector();
  for (const [i, due_us] of dueUs.entries())
    collector.add(exampleRecord({ due_us, sent_us: Math.round(due_us + lateUs(i)) }));
  return collector.result(ttftMs);
}

const times = fc.array(fc.nat(50_000), { minLength: 2, maxLength: 40 });

describe('the gaps as sent beside those as planned', () => {
  it('is a Kolmogorov-Smirnov distance with a tolerance, of the gaps of both', () => {
    fc.assert(
      fc.property(times, fc.array(fc.nat(20_000), { minLength: 40, maxLength: 40 }), (dueUs, late) => {
        const found = stimulus(dueUs, (i) => late[i] ?? 0);
        const gaps = (all: readonly number[]): number[] => {
          const sorted = all.toSorted((a, b) => a - b);
          return sorted.slice(1).map((us, i) => us - (sorted[i] ?? 0));
        };
        const [planned, left] = [gaps(dueUs), gaps(dueUs.map((us, i) => us + (late[i] ?? 0)))];
        const upTo = (of: readonly number[], us: number): number => of.filter((gap) => gap <= us).length / of.length;
        const tolerance = found.gap_tolerance_ms * 1000;
        const apart = [...planned, ...left].map((us) =>
          Math.max(upTo(planned, us) - upTo(left, us + tolerance), upTo(left, us) - upTo(planned, us + tolerance)),
        );
        assert.ok(Math.abs((found.gaps_apart ?? Number.NaN) - Math.max(...apart)) < 1e-9);
      }),
    );
  });

  it('does not see that all left late alike, nor in which order the records come', () => {
    fc.assert(
      fc.property(times, fc.nat(1e6), (dueUs, late) => {
        const { gaps_apart, rate, bursts } = stimulus(dueUs, () => late);
        assert.equal(gaps_apart, 0);
        assert.ok(rate === null || Math.abs(rate - 1) < 1e-9);
        assert.ok(bursts === null || bursts.skew_ms.max === 0);
        assert.deepEqual(
          stimulus(dueUs.toReversed(), () => late),
          stimulus(dueUs, () => late),
        );
      }),
    );
  });

  it('tells nothing of fewer than two requests, nor of those that were not sent', () => {
    assert.equal(stimulus([], () => 0).gaps_apart, null);
    assert.equal(stimulus([5], () => 9).gaps_apart, null);
    const collector = new StimulusCollector();
    for (const due_us of [0, 10, 20]) collector.add(exampleRecord({ due_us, sent_us: null }));
    assert.deepEqual(collector.result(0).requests, 0);
  });
});

it('requests due at one instant: how long after the first of them each left', () => {
  // Two bursts, of 3 and of 2; what is due alone is in none.
  const { bursts } = stimulus([0, 0, 0, 7000, 9000, 9000], (i) => [300, 100, 1100, 50_000, 10, 30][i] ?? 0);
  assert.deepEqual(bursts, {
    bursts: 2,
    requests: 5,
    skew_ms: { p50: 0.02, p90: 1, p99: 1, max: 1 },
    skew_p99_limit_ms: 10,
    skewed: 0,
  });
  assert.equal(stimulus([0, 0], () => 0, 500).bursts?.skew_p99_limit_ms, 50);
});

/** Arrivals of one load: their gaps, in microseconds. */
const LOADS: Readonly<Record<string, (random: () => number, meanUs: number) => number>> = {
  poisson: (random, meanUs) => -meanUs * Math.log(1 - random()),
  even: (_, meanUs) => meanUs,
  bursts: (random, meanUs) => (random() < 0.9 ? 0 : 10 * meanUs),
};

function arrivals(load: string, rate: number, seed: number): number[] {
  const stream = randomStream(seed, load, rate);
  let us = 0;
  return Array.from({ length: 400 }, () => Math.round((us += LOADS[load]?.(() => uniform(stream), 1e6 / rate) ?? 0)));
}

describe('what the limits say of a client', () => {
  const each = (lateUs: (i: number, random: () => number, dueUs: number) => number): number => {
    let [flagged, all] = [0, 0];
    for (const load of Object.keys(LOADS))
      for (const rate of [2, 20, 200, 2000])
        for (let seed = 1; seed <= 10; seed++) {
          const stream = randomStream(seed, 'late');
          const dueUs = arrivals(load, rate, seed);
          const found = stimulus(dueUs, (i) => lateUs(i, () => uniform(stream), dueUs[i] ?? 0));
          all++;
          if (stimulusReasons(found).length > 0) flagged++;
        }
    return flagged / all;
  };

  it('holds where the lateness does: p99 of 0.5 ms, of 1 ms, and 2 % that are up to 5 ms late', () => {
    const exponential = (p99Us: number) => (_: number, random: () => number) =>
      (-p99Us / Math.log(100)) * Math.log(1 - random());
    assert.equal(each(exponential(500)), 0);
    assert.equal(each(exponential(1000)), 0);
    assert.equal(
      each((_, random) => (random() < 0.02 ? 5000 * random() : 100)),
      0,
    );
  });

  it('does not hold where requests leave in clumps, or one after another', () => {
    // Once in 50 ms, though 20 requests a second or more are planned one by one.
    const clumped = (load: string, rate: number): string[] => {
      const dueUs = arrivals(load, rate, 1);
      return stimulusReasons(stimulus(dueUs, (i) => 50_000 - ((dueUs[i] ?? 0) % 50_000)));
    };
    for (const [load, rate] of [
      ['poisson', 200],
      ['even', 200],
      ['poisson', 50],
    ] as const)
      assert.match(
        clumped(load, rate).join(),
        /^requests did not leave as planned: the distribution .* \(at most 10\.0 % /,
      );
    const burst = stimulus(
      Array.from({ length: 100 }, () => 0),
      (i) => i * 300,
    );
    assert.match(stimulusReasons(burst).at(-1) ?? '', /^bursts were drawn out: .* left 29\.\d+ ms or more after /);
  });

  it('one late request is an accident, and few are no distribution', () => {
    const even = Array.from({ length: 19 }, (_, i) => i * 10_000);
    assert.deepEqual(stimulusReasons(stimulus(even, (i) => (i % 2) * 9000)), []);
    assert.deepEqual(
      stimulusReasons(
        stimulus(
          Array.from({ length: 10 }, () => 0),
          (i) => (i === 0 ? 0 : i === 9 ? 60_000 : 10),
        ),
      ),
      [],
    );
  });
});
