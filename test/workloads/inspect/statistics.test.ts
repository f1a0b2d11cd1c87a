import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { randomStream, uniform } from '../../../src/core/random.ts';
import { Arrivals } from '../../../workloads/inspect/arrivals.ts';
import { Autocorrelation } from '../../../workloads/inspect/autocorrelation.ts';
import { DistinctNumbers } from '../../../workloads/inspect/distinct.ts';
import { Durations, quantiles } from '../../../workloads/inspect/durations.ts';
import { keyOfText } from '../../../workloads/inspect/hashes.ts';
import { JointLengths } from '../../../workloads/inspect/joint.ts';
import { Lengths } from '../../../workloads/inspect/lengths.ts';
import { NumberTable } from '../../../workloads/inspect/number-table.ts';
import { TimeBins } from '../../../workloads/inspect/time-bins.ts';
import { WindowCounts } from '../../../workloads/inspect/window-counts.ts';

/** Type 7, by definition. */
function quantile(values: readonly number[], q: number): number {
  return quantileOfSorted(
    values.toSorted((a, b) => a - b),
    q,
  );
}

function quantileOfSorted(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const [below = 0, above = 0] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}

function acf(values: readonly number[], lag: number): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const off = values.map((each) => each - mean);
  const together = off.slice(lag).reduce((sum, each, i) => sum + each * (off[i] ?? 0), 0);
  return together / off.reduce((sum, each) => sum + each * each, 0);
}

function near(got: number | null | undefined, wanted: number, by = 1e-9): void {
  assert.ok(
    typeof got === 'number' && Math.abs(got - wanted) <= by * Math.max(1, Math.abs(wanted)),
    `${got} for ${wanted}`,
  );
}

const times = fc
  .array(fc.oneof(fc.nat(3e6), fc.constant(0), fc.nat(200e6)), { minLength: 3, maxLength: 60 })
  .map((gaps) => gaps.map((_, i) => 5e5 + gaps.slice(0, i + 1).reduce((a, b) => a + b, 0)));

describe('figures of arrivals as a stream', () => {
  it('are those of their definitions', () => {
    fc.assert(
      fc.property(times, fc.constantFrom(0.1e6, 1e6, 10e6), (dueUs, windowUs) => {
        const [window, arrivals] = [new WindowCounts(windowUs), new Arrivals()];
        for (const us of dueUs) {
          window.add(us);
          arrivals.add(us);
        }
        const [first = 0, last = 0] = [dueUs[0], dueUs.at(-1)];
        const counts = Array.from({ length: Math.floor((last - first) / windowUs) + 1 }, () => 0);
        for (const us of dueUs) {
          const bin = Math.floor((us - first) / windowUs);
          counts[bin] = (counts[bin] ?? 0) + 1;
        }
        const complete = counts.slice(0, -1);
        const found = window.statistics(1, last - first);
        assert.equal(found.max_count, Math.max(...counts));
        assert.deepEqual([found.bins, found.empty], [complete.length, complete.filter((count) => count === 0).length]);
        if (complete.length >= 2) {
          const mean = complete.reduce((a, b) => a + b, 0) / complete.length;
          near(found.idc, complete.reduce((sum, each) => sum + (each - mean) ** 2, 0) / complete.length / mean);
        }
        for (const { lag, r } of found.acf) near(r, acf(complete, lag), 1e-6);
        const gaps = dueUs.slice(1).map((us, i) => us - (dueUs[i] ?? 0));
        const { iat, resolution_s: resolution, distinct_times, longest_silence } = arrivals.details();
        near(iat?.p90_s, quantile(gaps, 0.9) / 1e6);
        assert.equal(iat?.max_s, Math.max(...gaps) / 1e6);
        assert.equal(iat?.zeros, gaps.filter((gap) => gap === 0).length);
        assert.equal(distinct_times, new Set(dueUs).size);
        if (longest_silence !== null) {
          const from = longest_silence.from_s * 1e6 + first;
          const after = dueUs.find((us) => us > from + 0.5);
          near(after, from + longest_silence.s * 1e6);
        }
        for (const gap of gaps)
          near((gap / 1e6 / (resolution ?? 1)) % 1 > 0.5 ? 0 : (gap / 1e6 / (resolution ?? 1)) % 1, 0, 1e-4);
      }),
      { numRuns: 200 },
    );
  });

  it('of a constant there is no correlation, and gaps alike have no variation', () => {
    const [constant, arrivals] = [new Autocorrelation([1, 5]), new Arrivals()];
    for (let i = 0; i < 1000; i++) {
      constant.add(1_234_567);
      arrivals.add(i * 1_234_567);
    }
    assert.deepEqual(constant.correlations(), []);
    assert.equal(arrivals.statistics().iat_cv, 0);
    assert.equal(arrivals.details().resolution_s, 1.234567);
  });

  it('of gaps that are exponential are near those of Poisson, and of more gaps than are held within 0.1 %', () => {
    const random = randomStream(1, 'inspect');
    const arrivals = new Arrivals();
    const gaps: number[] = [];
    for (let i = 0, us = 0; i < 150_000; i++, us += gaps.at(-1) ?? 0) {
      arrivals.add(us);
      gaps.push(Math.ceil(-Math.log(1 - uniform(random)) * 1e5));
    }
    const { iat } = arrivals.details();
    for (const [got = 0, q] of [
      [iat?.p50_s, 0.5],
      [iat?.p90_s, 0.9],
      [iat?.p99_s, 0.99],
    ] as const)
      near(got, quantile(gaps.slice(0, -1), q) / 1e6, 0.001 * got);
    assert.ok((iat?.ks_exponential ?? 1) < 0.005);
    near(arrivals.statistics().idc['1s'], 1, 0.05);
    for (const { r } of iat?.acf ?? []) assert.ok(Math.abs(r) < 0.02);
  });
});

it('durations of any size are in a bucket of 0.1 %, and none is lost', () => {
  const random = randomStream(2, 'inspect');
  const all = Array.from({ length: 2 ** 17 + 1000 }, () => Math.floor(2 ** (uniform(random) * 52)));
  const durations = new Durations();
  for (const us of all) durations.add(us);
  assert.ok(durations.sorted().length < 50_000, 'they are buckets');
  assert.equal(
    durations.sorted().reduce((sum, [, count]) => sum + count, 0),
    all.length,
  );
  const at = quantiles(durations.sorted(), all.length);
  const exact = all.toSorted((a, b) => a - b);
  for (let q = 0; q <= 1; q += 0.01) {
    const wanted = quantileOfSorted(exact, q);
    near((at(q) ?? 0) / Math.max(1, wanted), wanted === 0 ? (at(q) ?? 0) : 1, 0.001);
  }
  assert.equal(
    durations.bins().reduce((sum, { count }) => sum + count, 0),
    all.length,
  );
  for (const { from, to } of durations.bins()) assert.ok(from < to);
});

it('percentiles of lengths are exact, however long they are', () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10_000_000 }));
  fc.assert(
    fc.property(fc.array(length, { minLength: 1, maxLength: 40 }), (all) => {
      const lengths = new Lengths();
      for (const each of all) lengths.add(each);
      const found = lengths.statistics();
      for (const [got, q] of [
        [found.min, 0],
        [found.p5, 0.05],
        [found.p50, 0.5],
        [found.p99, 0.99],
        [found.max, 1],
      ] as const)
        near(got, quantile(all, q), 1e-12);
      assert.equal(found.at_max, all.filter((each) => each === found.max).length);
    }),
  );
});

describe('lengths together', () => {
  it('have the rank correlation of their ranks, and the cells hold every row once, where it belongs', () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2000 })), {
      minLength: 2,
      maxLength: 50,
    });
    fc.assert(
      fc.property(pairs, (all) => {
        const joint = new JointLengths();
        for (const [input, output] of all) joint.add(input, output);
        const found = joint.statistics();
        assert.deepEqual([found.spearman_rows, found.is_exact], [all.length, true]);
        assert.equal(found.repeated_pairs, all.length - new Set(all.map(String)).size);
        const ranks = (of: number[]): number[] =>
          of.map((each) => of.filter((other) => other < each).length + of.filter((other) => other === each).length / 2);
        const [x, y] = [ranks(all.map(([input]) => input)), ranks(all.map(([, output]) => output))];
        const mean = all.length / 2;
        const cross = (a: number[], b: number[]): number =>
          a.reduce((sum, each, i) => sum + (each - mean) * ((b[i] ?? 0) - mean), 0);
        const spread = Math.sqrt(cross(x, x) * cross(y, y));
        if (spread > 0) near(found.spearman, cross(x, y) / spread);
        else assert.equal(found.spearman, null);
        for (const { input, output, requests } of joint.cells())
          assert.equal(
            requests,
            all.filter(([i, o]) => i >= input[0] && i < input[1] && o >= output[0] && o < output[1]).length,
          );
        assert.equal(
          joint.cells().reduce((sum, { requests }) => sum + requests, 0),
          all.length,
        );
      }),
    );
  });

  it('of more rows than are held are a sample, within its error', () => {
    const random = randomStream(3, 'inspect');
    const joint = new JointLengths();
    for (let i = 0; i < 400_000; i++) {
      const input = 1 + Math.floor(uniform(random) * 2000);
      joint.add(input, 1 + Math.floor(input / 4 + uniform(random) * 2000));
    }
    const found = joint.statistics();
    assert.ok(found.spearman_rows > 2 ** 17 && found.spearman_rows <= 2 ** 18, `${found.spearman_rows} rows`);
    near(found.spearman, 0.235, 0.01);
    assert.equal(found.is_exact, false);
  });
});

it('a table of numbers is a map', () => {
  const number = fc.oneof(fc.nat(50), fc.maxSafeInteger().map(Math.abs));
  fc.assert(
    fc.property(fc.array(number, { maxLength: 3000 }), (all) => {
      const [table, map] = [new NumberTable(), new Map<number, number>()];
      for (const each of all) {
        assert.equal(table.indexOf(each), map.get(each) ?? -1);
        if (!map.has(each)) map.set(each, map.size);
        assert.equal(table.add(each), map.get(each));
      }
      assert.deepEqual([...table.keys()], [...map.keys()]);
      assert.equal(table.size, map.size);
    }),
    { numRuns: 30 },
  );
});

it('distinct numbers are counted, and beyond the limit to within some times its error', () => {
  const few = new DistinctNumbers();
  for (let i = 0; i < 3000; i++) few.add(i % 1000);
  assert.deepEqual([few.count, few.isExact], [1000, true]);
  const many = new DistinctNumbers(4096);
  for (let i = 0; i < 300_000; i++) many.add((i % 100_000) * 7);
  assert.equal(many.isExact, false);
  near(many.count / 100_000, 1, 0.06);
});

it('names that differ in one character have other keys', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `session-${i}`);
  assert.equal(new Set(names.map(keyOfText)).size, names.length);
  for (const key of names.map(keyOfText)) assert.ok(Number.isSafeInteger(key) && key >= 0);
});

it('bins over time hold every request once, and no more bins than are shown', () => {
  fc.assert(
    fc.property(times, fc.boolean(), (dueUs, isSorted) => {
      const bins = new TimeBins(isSorted ? null : Math.min(...dueUs));
      const order = isSorted ? dueUs : dueUs.toReversed();
      for (const us of order) bins.add({ id: 'r', traceRow: 1, dueUs: us, inputTokens: 3, outputTokens: 2 });
      const [first = 0, last = 0] = [dueUs[0], dueUs.at(-1)];
      const over = bins.overTime();
      if (first === last) return assert.deepEqual(over, []);
      assert.ok(over.length <= 241);
      assert.equal(
        over.reduce((sum, { requests }) => sum + requests, 0),
        dueUs.length,
      );
      assert.equal(
        over.reduce((sum, { input_tokens }) => sum + input_tokens, 0),
        3 * dueUs.length,
      );
      near(over.at(-1)?.to_s, (last - first) / 1e6);
      for (const [i, { from_s, to_s }] of over.entries())
        assert.ok(from_s < to_s && from_s === (over[i - 1]?.to_s ?? 0));
      assert.equal(
        bins.picture(60).reduce((a, b) => a + b, 0),
        dueUs.length,
      );
    }),
    { numRuns: 40 },
  );
});
