import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cli, temporaryFolder } from '../cli.ts';
import { readSummary } from '../written-files.ts';

const folder = temporaryFolder();
const SLO = ['--slo', 'ttft=200ms,tpot=20ms'];

test('a run exported as a result of vLLM and of AIPerf is imported with the same requests and figures', async () => {
  const run = join(folder, 'run');
  const made = await cli(
    'run',
    '--limit',
    '120',
    '--rate',
    '20',
    '--clock',
    'virtual',
    ...SLO,
    '--quiet',
    '--out',
    run,
  );
  assert.equal(made.code, 0, made.stderr);
  const exported = await cli('report', run, '--export', 'vllm,aiperf', '--out', join(folder, 'files'));
  assert.equal(exported.code, 0, exported.stderr);
  const ours = readSummary(run);
  for (const [tool, file] of [
    ['vllm', 'vllm.json'],
    ['aiperf', 'aiperf/profile_export.jsonl'],
  ] as const) {
    const dir = join(folder, tool);
    const { code, stderr } = await cli('report', join(folder, 'files', file), ...SLO, '--out', dir);
    assert.equal(code, 0, stderr);
    const theirs = readSummary(dir);
    assert.equal(theirs.requests.ok, ours.requests.ok, tool);
    assert.equal(theirs.slo?.attainment.joint, ours.slo?.attainment.joint, tool);
    for (const metric of ['ttft', 'tpot'] as const)
      for (const quantile of ['mean', 'p50', 'p90', 'p99'] as const) {
        const [a, b] = [ours.latency_ms[metric][quantile] ?? 0, theirs.latency_ms[metric][quantile] ?? 0];
        assert.ok(Math.abs(a - b) <= 0.002, `${tool}: ${metric} ${quantile} ${a} and ${b}`);
      }
  }
});

test('results of other tools are compared, said to be such, and let no gate pass', async () => {
  const [one, other] = [join(folder, 'vllm'), join(folder, 'aiperf')];
  const args = ['compare', join(folder, 'files', 'vllm.json'), other, '--gate', 'default', '--undecided', 'pass'];
  const { code, stdout, stderr } = await cli(...args, ...SLO);
  assert.equal(code, 4, stderr);
  assert.match(stdout, /^! \S+ is a result of vllm bench serve: whether its client kept up is not known\n/);
  assert.match(stdout, /\n≈ gate default undecided: /);
  const itself = await cli('compare', join(folder, 'files', 'vllm.json'), one);
  assert.match(itself.stderr, /are one run, a link or a copy of it/);
  // As if that had been measured again.
  const again = join(folder, 'again.json');
  writeFileSync(again, `${readFileSync(join(folder, 'files', 'vllm.json'), 'utf8')}\n`);
  const same = await cli('compare', one, again, '--json');
  assert.equal(JSON.parse(same.stdout).paired_requests, 120, same.stderr);
  const unlike = await cli('compare', one, join(folder, 'run'));
  assert.match(unlike.stdout, /! the two sides have other requests: only distributions are compared\n/);
});
