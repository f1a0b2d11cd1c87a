import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attainment } from '../../src/schema/attainment.ts';
import type { Summary } from '../../src/schema/summary.ts';
import type { Warning } from '../../src/schema/summary.ts';
import { verdictOf, type Verdict } from '../../reports/verdict.ts';
import { exampleRun } from './example-run.ts';

const { summary, manifest } = await exampleRun({ requests: 200, slo: 'ttft=200ms' });

function judged(
  attainment: Partial<Attainment>,
  { at = 0.9, warnings = [], ...rest }: Partial<Summary> & { at?: number; warnings?: readonly Warning[] } = {},
): Verdict {
  if (summary.slo === null) throw new Error('the run has an SLO');
  const slo = { ...summary.slo, at, attainment: { ...summary.slo.attainment, ...attainment } };
  return verdictOf({ ...summary, warnings, slo, ...rest }, manifest);
}

describe('the glyph', () => {
  it('is a tick or a cross only where the interval leaves out the share that is wanted', () => {
    const of = (joint: number, ci95: [number, number] | null, at = 0.9): string =>
      judged({ joint, ci95 }, { at }).glyph;
    assert.equal(of(0.95, [0.92, 0.97]), '✓');
    assert.equal(of(0.95, [0.92, 0.97], 0.95), '≈');
    assert.equal(of(0.95, [0.92, 0.97], 0.98), '✗');
    assert.equal(of(0.95, [0.89, 0.97]), '≈');
    assert.equal(of(0.8, [0.7, 0.85]), '✗');
    for (const joint of [0, 0.5, 1]) assert.equal(of(joint, null), '≈');
  });

  it('is no tick where a warning says that the load or the figures were easier, and nothing where they prove nothing', () => {
    const warned = (code: Warning['code'], joint: number): string =>
      judged({ joint, ci95: [joint, joint] }, { warnings: [{ code, text: '' }] }).glyph;
    for (const code of ['cached_tokens', 'outputs_short', 'lumps', 'held'] as const)
      assert.deepEqual([warned(code, 1), warned(code, 0.1)], ['≈', '✗'], code);
    for (const code of ['not_valid', 'records', 'inputs', 'outputs_long', 'rate', 'misreported'] as const)
      assert.deepEqual([warned(code, 1), warned(code, 0.1)], ['≈', '≈'], code);
  });

  it('is no tick where the requests that the user cut could have missed', () => {
    const requests = {
      ...summary.requests,
      scheduled: 200,
      ok: 100,
      failed: 0,
      by_outcome: { ok: 100, unsent: 80, cut: 20 },
    };
    const of = (cut: number, still_waiting: number): string => {
      const stopped = { stopped: 80 + cut, stopped_in_flight: cut };
      const held = { max_in_flight: 4, requests: 0, share: 0, wait_ms: null, still_waiting };
      return judged(
        { joint: 1, ci95: [0.99, 1] },
        { status: 'interrupted', requests: { ...requests, ...stopped }, held },
      ).glyph;
    };
    assert.deepEqual([of(0, 0), of(20, 0), of(0, 20)], ['✓', '≈', '≈']);
  });
});

describe('the sentence', () => {
  it('names the share that is wanted, and whom the interval speaks for', () => {
    assert.match(
      judged({ joint: 0.95, ci95: [0.92, 0.97] }, { at: 0.95 }).sentence,
      /^95\.0 % of requests met TTFT <= 200 ms \(wanted: 95 %; 95 % interval 92\.0-97\.0 % for load like these 200 requests leaves it open\)/,
    );
    assert.match(judged({ ci95: null }).sentence, /\(wanted: 90 %; too few independent requests to tell\)/);
  });

  it('speaks of what was due until the run was stopped', () => {
    const requests = { ...summary.requests, scheduled: 200, stopped: 160, by_outcome: { ok: 40, unsent: 160 } };
    assert.match(
      judged({ joint: 0.95 }, { status: 'interrupted', requests }).sentence,
      /^95\.0 % of the 40 requests due until it was stopped met /,
    );
  });
});
