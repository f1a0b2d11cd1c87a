import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goodputVerdict } from '../../reports/goodput-verdict.ts';
import type { GoodputAnswer, GoodputProbe, GoodputReport } from '../../src/schema/goodput.ts';

const probeAt = (rate_rps: number, valid: boolean): GoodputProbe => ({
  rate_rps,
  requests: 100,
  met: 50,
  missed: 50,
  attainment: 0.5,
  kind: 'run',
  alone: { ttft: null, tpot: null, e2e: null },
  latency_ms: null,
  ci95: null,
  binding: null,
  valid,
  decided: false,
  requests_used: 100,
  dir: null,
});

function sentenceOf(state: GoodputAnswer['state'], bracket_rps: GoodputAnswer['bracket_rps']): string {
  const answer: GoodputAnswer = {
    at: 0.9,
    goodput_rps: bracket_rps[0],
    goodput_rps_per_gpu: null,
    bracket_rps,
    half_width: null,
    ci95_rps: null,
    slope: null,
    times_trace: bracket_rps[0],
    binding: null,
    state,
  };
  const report: GoodputReport = {
    schema: 1,
    of: 'trace',
    ...answer,
    answers: [answer],
    slo: { text: 'ttft=1s', limits_ms: { ttft: 1000 } },
    arrivals: 'trace',
    precision: 0.05,
    target: { spec: 'http://x', kind: 'url', model: null },
    gpus: null,
    clock: 'real',
    workload: { name: 'x', sha256: '', requests: 100, rate_rps: 1 },
    probes: [probeAt(1, false), probeAt(2, true), probeAt(4, false)],
    requests_used: 300,
    traces_used: 3,
    versions: { reprise: '0' },
  };
  return goodputVerdict(report).sentence;
}

test('an answer that is not valid says so first, whatever it bounds, and names the runs that decide', () => {
  const invalid = 'Not valid: the client fell behind at 4.00 requests/s. By what it measured, carries';
  assert.ok(sentenceOf('not_valid', [null, 4]).startsWith(`${invalid} less than 4.00 requests/s`));
  assert.ok(sentenceOf('not_valid', [4, null]).startsWith(`${invalid} at least 4.00 requests/s`));
  assert.ok(sentenceOf('not_valid', [2, 4]).startsWith(`${invalid} 2.00 requests/s`));
});

test('a bound that the budget left says so', () => {
  const ended = /; the budget ended before the bracket was as narrow as asked$/;
  assert.match(sentenceOf('budget', [null, 4]), ended);
  assert.match(sentenceOf('budget', [4, null]), ended);
  assert.doesNotMatch(sentenceOf('below', [null, 4]), /budget/);
});
