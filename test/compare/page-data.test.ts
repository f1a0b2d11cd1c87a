import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareRuns } from '../../src/compare/compare.ts';
import type { ComparedRequest, LoadedRun } from '../../src/compare/load-runs.ts';
import { pageData } from '../../src/compare/page-data.ts';
import { exampleSide } from './example-sides.ts';

const OPTIONS = { margin: 0.02, names: ['base', 'new'] } as const;

/** The run with so many requests in place of its own, by ids that are not in order of their numbers. */
function large(run: LoadedRun, count: number, of: (index: number) => Partial<ComparedRequest>): LoadedRun {
  const requests = new Map<string, ComparedRequest>();
  for (let i = 0; i < count; i++)
    requests.set(`r${i}`, {
      dueUs: i * 1000,
      inputTokens: 10,
      outputTokens: 20,
      isMet: true,
      ttftUs: 1000 + i,
      tpotUs: 500,
      e2eUs: 11_000,
      sentUs: i * 1000,
      gotInputTokens: 10,
      gotOutputTokens: 20,
      ...of(i),
    });
  return { ...run, requests };
}

describe('the data of a comparison page', () => {
  it('does not grow with the runs, and draws pairs evenly', async () => {
    const [base, now] = [await exampleSide('base', { factors: [1] }), await exampleSide('new', { factors: [1.1] })];
    const [a, b] = [base[0], now[0]];
    assert.ok(a !== undefined && b !== undefined);
    const comparison = { ...compareRuns(base, now, OPTIONS), most_changed: [] };
    const sides = [
      [large(a, 20_000, () => ({}))],
      [large(b, 20_000, (i) => (i % 100 === 0 ? { ttftUs: NaN, tpotUs: NaN, e2eUs: NaN } : { ttftUs: 3000 + 2 * i }))],
    ] as const;
    const { latencies, pairs } = pageData(comparison, ...sides);
    assert.equal(pairs.points.length, 2000);
    assert.deepEqual(
      [pairs.requests, pairs.failed_new, pairs.failed_base, pairs.failed_both, pairs.longer, pairs.shorter],
      [20_000, 200, 0, 0, 19_800, 0],
    );
    // Drawn over the whole run, not from its start: each tenth has its share.
    for (let tenth = 0; tenth < 10; tenth++) {
      const drawn = pairs.points.filter(({ due_s }) => due_s >= 2 * tenth && due_s < 2 * (tenth + 1));
      assert.ok(drawn.length > 150 && drawn.length < 250, `${drawn.length} of tenth ${tenth}`);
    }
    for (const { base: one, new: other, changes } of Object.values(latencies)) {
      assert.ok(one.points.length <= 400 && other.points.length <= 400 && changes.length <= 51);
      assert.deepEqual([one.missing, other.missing, other.n], [0, 200, 19_800]);
    }
    assert.ok(JSON.stringify({ latencies, pairs }).length < 400_000);
  });

  it('has the changes of the judged quantiles, with their intervals', async () => {
    const base = await exampleSide('base', { factors: [1, 1.01], slo: null });
    const now = await exampleSide('new', { factors: [1.1, 1.13], slo: null });
    const comparison = compareRuns(base, now, OPTIONS);
    const { latencies } = pageData(comparison, base, now);
    for (const [metric, permille] of [
      ['ttft', 500],
      ['ttft', 900],
      ['tpot', 900],
    ] as const) {
      const judged = comparison.metrics.find(({ name }) => name === `${metric}.p${permille / 10}`);
      const drawn = latencies[metric].changes.find((each) => each.permille === permille);
      assert.ok(judged !== undefined && drawn !== undefined);
      assert.ok(Math.abs(Math.expm1(drawn.ln) - (judged.change ?? NaN)) < 1e-9);
      assert.ok(Math.abs(Math.expm1(drawn.ln_ci95?.[0] ?? NaN) - (judged.ci95?.[0] ?? NaN)) < 1e-9);
    }
  });

  it('leaves out quantiles that fall on failed requests, has no band of one run, and no TPOT of one token', async () => {
    const failing = { outcome: 'rejected', http_status: 429 } as const;
    const base = await exampleSide('base', { factors: [1] });
    const now = await exampleSide('new', { factors: [1], fate: (i) => (i % 2 === 0 ? failing : null) });
    const comparison = compareRuns(base, now, OPTIONS);
    const { latencies, pairs } = pageData(comparison, base, now);
    const { changes } = latencies.ttft;
    assert.equal(changes.at(-1)?.permille, 500);
    assert.ok(changes.every(({ ln_ci95 }) => ln_ci95 === null));
    assert.deepEqual([pairs.failed_new, pairs.points.length], [30, 60]);
    assert.equal(pairs.points.filter(({ new_ms }) => new_ms === null).length, 30);
    const [first] = base;
    assert.ok(first !== undefined);
    const single = large(first, 10, (i) => (i < 4 ? { tpotUs: NaN } : {}));
    assert.deepEqual(
      (({ n, missing }) => [n, missing])(
        pageData({ ...comparison, most_changed: [] }, [single], [single]).latencies.tpot.base,
      ),
      [6, 0],
    );
  });
});
