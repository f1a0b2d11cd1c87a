import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { run } from '../../src/index.ts';
import { parseRunGate } from '../../src/core/run-gate.ts';
import { judgeRunGates } from '../../src/run/judge-gates.ts';
import { cli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const VIRTUAL = ['chat', '--clock', 'virtual', '--quiet'];

describe('the gates of a run', { concurrency: 2 }, () => {
  // TTFT p50 is some 18 ms, p90 some 45 ms.
  for (const [gates, code, lines] of [
    [
      ['ttft.p50<60ms', 'tpot.p50<=1s'],
      0,
      [/^✓ gate ttft\.p50<60ms held: \S+ % of 261 requests have TTFT under 60\.0 ms, 50\.0 % wanted \(95 % interval /m],
    ],
    [['ttft.p50<60ms', 'ttft.p90<10ms'], 1, [/^✓ gate ttft\.p50/m, /^✗ gate ttft\.p90<10ms missed: /m]],
    [
      ['ttft.p50<60ms', 'e2e.p999<1h'],
      4,
      [/^≈ gate e2e\.p999<1h undecided: 100 % of 261 requests have E2E under 60\.0 min/m],
    ],
  ] as const)
    it(`${gates.join(' and ')}: exit ${code}, without an SLO`, async () => {
      const out = join(folder, String(code));
      const result = await cli('run', ...VIRTUAL, '--out', out, ...gates.flatMap((gate) => ['--gate', gate]));
      assert.equal(result.code, code, result.stderr);
      for (const line of lines) assert.match(result.stdout, line);
    });

  it('that cannot be read are refused before anything is done', async () => {
    for (const [gate, message] of [
      ['itl.p99<50ms', /a quantile of tokens, not of requests/],
      ['ttft.p99<500', /has no unit/],
      ['attainment>=0.9', /there is no SLO to attain/],
    ] as const) {
      const { code, stderr } = await cli('run', ...VIRTUAL, '--gate', gate, '--out', join(folder, 'none'));
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
  });

  it('are undecided where the error of the clock could turn them', async () => {
    const result = await run({ workload: 'chat', target: 'reference', clock: 'virtual', out: join(folder, 'clock') });
    const { p50 } = result.summary.latency_ms.ttft;
    const limitMs = ((p50 ?? Number.NaN) * 0.7).toFixed(3);
    const gates = [`ttft.p50<${limitMs}ms`, `ttft.p50<${(p50 ?? 0) * 3}ms`].map(parseRunGate);
    const verdicts = async (ttft: number): Promise<string[]> => {
      const summary = { ...result.summary, clock_error_ms: { ttft, tpot: 0, itl: 0, e2e: 0 } };
      return (await judgeRunGates({ ...result, summary }, gates)).map(({ verdict }) => verdict);
    };
    assert.deepEqual(await verdicts(0), ['missed', 'held']);
    assert.deepEqual(await verdicts((p50 ?? 0) / 100), ['missed', 'held']);
    assert.deepEqual(await verdicts(p50 ?? 0), ['undecided', 'held'], 'latencies are too long at most');
  });

  it('of a run that is not valid never pass', async () => {
    const result = await run({ workload: 'chat', target: 'reference', clock: 'virtual', out: join(folder, 'valid') });
    const gates = ['ttft.p50<60ms', 'ttft.p90<10ms'].map(parseRunGate);
    const verdicts = async (of: typeof result) => (await judgeRunGates(of, gates)).map(({ verdict }) => verdict);
    assert.deepEqual(await verdicts(result), ['held', 'missed']);
    const warnings = [{ code: 'not_valid', text: 'Not valid: the client fell behind' }] as const;
    const invalid = { ...result, summary: { ...result.summary, warnings } };
    assert.deepEqual(await verdicts(invalid), ['undecided', 'undecided']);
    const [{ why } = { why: '' }] = await judgeRunGates(invalid, gates);
    assert.match(why, /; Not valid: the client fell behind$/);
  });
});
