import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { changeOf, intervalOf } from '../../src/compare/change.ts';
import { compareRuns } from '../../src/compare/compare.ts';
import { pValueOf, repeatsToDecide, verdictOf } from '../../src/compare/verdicts.ts';
import { ln } from '../../src/core/portable-math.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { Comparison } from '../../src/schema/comparison.ts';
import { exampleSide } from './example-sides.ts';

/** The part of a certificate that a run keeps, of a clock whose p99 is so late. */
const certified = (errorMs: number | null): Pick<Manifest, 'certificate'> => ({
  certificate: {
    calibrated_at: '2026-11-29T21:00:00Z',
    limit_ms: 1,
    max_tokens_per_s: 40_000,
    max_requests_per_s: 1000,
    max_streams: 8000,
    poll: 'off',
    beyond: errorMs === null ? ['90,000 tokens/s (certified: 40,000)'] : [],
    timestamp_error_us: errorMs === null ? null : { p50: (errorMs * 1000) / 3, p99: errorMs * 1000 },
  },
});

async function compared(factors: readonly number[], errorMs: number | null | undefined): Promise<Comparison> {
  const manifest = errorMs === undefined ? {} : certified(errorMs);
  const base = await exampleSide('base', { factors: [1, 1.001, 0.999], requests: 30, manifest });
  const now = await exampleSide('new', { factors, requests: 30, manifest });
  return compareRuns(base, now, { margin: 0.02, names: ['base', 'new'] });
}

const verdictOn = ({ metrics }: Comparison, name: string): string | undefined =>
  metrics.find((metric) => metric.name === name)?.verdict;

describe('the error of the clock', () => {
  const slower = [1.08, 1.081, 1.079];

  it('turns a verdict on a latency that it could have made undecided, and leaves others', async () => {
    assert.equal(verdictOn(await compared(slower, undefined), 'ttft.p50'), 'worse', 'no certificate: nothing is added');
    assert.equal(verdictOn(await compared(slower, 0.3), 'ttft.p50'), 'worse', 'a good clock');
    const bad = await compared(slower, 20);
    assert.match(
      bad.doubts.find(({ code }) => code === 'clock')?.text ?? '',
      /clients alone may change TTFT p50 by \d/,
    );
    assert.equal(verdictOn(bad, 'ttft.p50'), 'undecided');
    assert.equal(verdictOn(bad, 'tpot.p50'), 'worse', 'over the gaps of an answer it is small');
    const metric = bad.metrics.find(({ name }) => name === 'ttft.p50');
    assert.ok(metric?.ci95 !== undefined && metric.ci95 !== null && metric.ci95[0] < 0 && metric.ci95[1] > 0.16);
    assert.equal(metric.repeats_to_decide, null, 'no number of repeats helps');
  });

  it('lets what is the same be the same only where it is known so well', async () => {
    const same = [1.001, 1, 0.999];
    assert.equal(verdictOn(await compared(same, 0.1), 'ttft.p50'), 'same');
    assert.equal(verdictOn(await compared(same, 20), 'ttft.p50'), 'undecided');
  });

  it('is not in the intervals where nobody has measured it, and that is said', async () => {
    const { doubts } = await compared(slower, null);
    const [doubt] = doubts.filter(({ code }) => code === 'clock');
    assert.match(doubt?.text ?? '', /6 of 6 runs .* beyond what their machines were calibrated for/);
    assert.equal(doubt?.blocks, false);
  });

  it('never makes an interval narrower, a p value smaller, or a verdict of less than itself', () => {
    const runs = fc.array(fc.double({ min: 50, max: 100, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(runs, runs, fc.double({ min: 0, max: 1, noNaN: true }), (base, now, clock) => {
        const exact = changeOf(base, now, 'separate');
        const change = { ...exact, clock };
        const margin = ln(1.02);
        const [low, high] = intervalOf(change, 0.95) ?? [0, 0];
        const [exactLow, exactHigh] = intervalOf(exact, 0.95) ?? [0, 0];
        assert.ok(low <= exactLow && high >= exactHigh);
        const p = pValueOf(change, margin) ?? Number.NaN;
        assert.ok(p >= (pValueOf(exact, margin) ?? Number.NaN));
        const verdict = verdictOf(change, { margin, adjustedP: p, moreIsBetter: false });
        if (Math.abs(change.ln) <= clock) assert.ok(verdict === 'undecided' || verdict === 'same');
        if (verdict === 'same') assert.ok(clock <= margin);
        assert.ok((repeatsToDecide(change, margin) ?? Infinity) >= (repeatsToDecide(exact, margin) ?? Infinity));
      }),
      { numRuns: 50 },
    );
  });
});
