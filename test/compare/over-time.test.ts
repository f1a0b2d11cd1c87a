import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ComparedTimes } from '../../reports/data/comparison-data.ts';
import { comparedLatencyTitle } from '../../reports/charts/comparison-time-findings.ts';
import type { ComparedRequest, LoadedRun } from '../../src/compare/load-runs.ts';
import { timesOf } from '../../src/compare/over-time.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import type { Imported, Manifest } from '../../src/schema/manifest.ts';
import { exampleSide } from './example-sides.ts';

const [EXAMPLE] = await exampleSide('base', { factors: [1] });
const PLAIN: ComparedRequest = {
  dueUs: 0,
  inputTokens: 10,
  outputTokens: 20,
  isMet: true,
  sentUs: 0,
  gotInputTokens: 1,
  gotOutputTokens: 2,
  ttftUs: 50_000,
  tpotUs: 5000,
  e2eUs: 150_000,
};
const FAILED = { isMet: false, ttftUs: NaN, tpotUs: NaN, e2eUs: NaN };

/** A run of so many requests, five a second. */
function run(count: number, of: (i: number) => Partial<ComparedRequest>, manifest: Partial<Manifest> = {}): LoadedRun {
  assert.ok(EXAMPLE !== undefined);
  const requests = new Map(
    Array.from({ length: count }, (_, i) => [`r${i}`, { ...PLAIN, dueUs: i * 200_000, ...of(i) }]),
  );
  return { ...EXAMPLE, manifest: { ...EXAMPLE.manifest, ...manifest }, requests };
}

function times(base: readonly LoadedRun[], now: readonly LoadedRun[], order = 'paired' as const): ComparedTimes {
  const found = timesOf(base, now, order);
  assert.ok(found !== null);
  return found;
}

/** Nearest rank, with failures behind all others; null: it is one. */
function percentile(us: readonly number[], q: number): number | null {
  const sorted = us.map((each) => (Number.isNaN(each) ? Infinity : each)).toSorted((a, b) => a - b);
  const found = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Infinity;
  return found === Infinity ? null : found / 1000;
}

describe('both sides over time', () => {
  it('each request is in the bin in which it is due, and percentiles are those of all runs of the side', () => {
    const side = (factor: number): LoadedRun[] =>
      [1, 2, 3].map((k) =>
        run(300, (i) => (i % 7 === k ? FAILED : { ttftUs: factor * (1000 + ((i * 37 * k) % 101)) })),
      );
    const sides = { base: side(1), new: side(2) };
    const { bins, bin_s } = times(sides.base, sides.new);
    for (const name of ['base', 'new'] as const) {
      for (const bin of bins) {
        const due = sides[name].flatMap(({ requests }) =>
          [...requests.values()].filter(({ dueUs }) => Math.floor(dueUs / 1e6 / bin_s) * bin_s === bin.from_s),
        );
        const { requests, failed, ttft } = bin[name];
        assert.equal(requests, due.length);
        assert.equal(failed, due.filter(({ e2eUs }) => Number.isNaN(e2eUs)).length);
        const us = due.map(({ ttftUs }) => ttftUs);
        assert.deepEqual([ttft.p50_ms, ttft.tail_ms], [percentile(us, 0.5), percentile(us, 0.9)]);
      }
      assert.equal(
        bins.reduce((sum, bin) => sum + bin[name].requests, 0),
        900,
      );
    }
  });

  it('does not grow with requests or runs, and bins are as wide for twelve runs as for one', () => {
    const many = [run(20_000, () => ({}))];
    const found = times(many, many);
    assert.ok(found.bins.length <= 240 && found.bins.length > 100, String(found.bins.length));
    assert.equal(found.tail, 'p99');
    assert.ok(JSON.stringify(found).length < 200_000);
    const widths = [1, 12].map((runs) => {
      const side = Array.from({ length: runs }, () => run(200, () => ({})));
      return times(side, side).bin_s;
    });
    assert.equal(widths[0], widths[1]);
  });

  it('an answer of one token has no TPOT, and is no failure', () => {
    const one = run(60, (i) => (i % 2 === 0 ? { tpotUs: NaN } : {}));
    const { bins } = times([one], [one]);
    const total = (of: (bin: (typeof bins)[number]) => number): number => bins.reduce((sum, bin) => sum + of(bin), 0);
    assert.deepEqual([total(({ base }) => base.tpot.requests), total(({ base }) => base.failed)], [30, 0]);
  });

  it('attainment is of the window around a bin, and there is none without an SLO or with few requests', () => {
    const half = run(600, (i) => ({ isMet: i % 2 === 0 }));
    const { bins, window_s, bin_s } = times([half], [run(600, () => ({}))]);
    assert.ok(window_s >= 3 * bin_s);
    for (const { base, new: now } of bins) {
      assert.ok(Math.abs((base.attainment ?? 0) - 0.5) < 0.05);
      assert.equal(now.attainment, 1);
    }
    const none = times([run(600, () => ({}), { slo: null })], [run(600, () => ({}), { slo: null })]);
    assert.ok(none.wanted === null && none.bins.every(({ base }) => base.attainment === null));
    const few = run(8, () => ({}));
    assert.ok(times([few], [few]).bins.every(({ base }) => base.attainment === null));
  });

  it('where a result file does not say when requests were sent there is nothing; where it says no more, that is said', () => {
    const imported = (starts: Imported['starts']): Partial<Manifest> => ({
      imported: { tool: 'x', version: null, file: 'x.json', sha256: '', run: 1, starts, duration_s: null, notes: [] },
    });
    const ours = run(60, () => ({}));
    assert.equal(timesOf([ours], [run(60, () => ({ dueUs: 0 }), imported('unknown'))], 'separate'), null);
    assert.equal(timesOf([ours], [run(60, () => ({}), imported('sent'))], 'separate')?.by, 'sent');
    assert.equal(timesOf([ours], [run(60, () => ({}), imported('due'))], 'separate')?.by, 'due');
  });

  it('says where the sides are furthest apart only if the runs show it', () => {
    const random = randomStream(5, 'over time');
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random));
    const side = (runs: number, slow: (i: number) => number): LoadedRun[] =>
      Array.from({ length: runs }, () => run(150, (i) => ({ ttftUs: slow(i) * 50_000 * Math.exp(0.8 * normal()) })));
    const says = (runs: number, slow: (i: number) => number): string =>
      comparedLatencyTitle(
        'ttft',
        times(
          side(runs, () => 1),
          side(runs, slow),
        ),
      );
    for (const runs of [2, 3]) {
      const claims = Array.from({ length: 20 }, () => says(runs, () => 1)).filter((title) => /most apart/.test(title));
      assert.ok(claims.length <= 2, `${runs} runs: ${claims.join('\n')}`);
    }
    const burst = says(6, (i) => (i >= 75 && i < 100 ? 20 : 1));
    assert.match(
      burst,
      /^TTFT p50 is (lower in base in \d+ of \d+ bins; )?most apart after 1[5-9](\.\d+)? s: .* in base, .* in new$/,
    );
    // One run stands for a system, unless it repeats to the bit.
    const [one, other] = [run(150, () => ({})), run(150, (i) => (i > 100 ? { ttftUs: 500_000 } : { ttftUs: 50_100 }))];
    assert.doesNotMatch(comparedLatencyTitle('ttft', times([one], [other])), /apart/);
    const exact = timesOf([one], [other], 'exact');
    assert.equal(
      exact === null ? null : comparedLatencyTitle('ttft', exact),
      'TTFT p50 is lower in base all the time; most apart after 20 s: 50.0 ms in base, 500 ms in new',
    );
  });
});
