import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { readHistory } from '../../src/search/nightly/history.ts';
import { cli, temporaryFolder, type CliResult } from '../cli.ts';
import { readXml } from '../xml.ts';

/** The GPU waits for the host’s work. */
const TARGET = 'reference:vllm-v1,async=off,model=llama-3.1-8b,gpu=h100-sxm';
const folder = join(temporaryFolder(), 'nights');
const branch = join(folder, 'main');

function night(target: string, ...options: readonly string[]): Promise<CliResult> {
  const common = ['--baseline', folder, '--branch', 'main', '--clock', 'virtual', '--limit', '25', '--quiet'];
  return cli('nightly', 'chat', ...common, '--target', target, '--slo', 'ttft=250ms,tpot=12ms', ...options);
}

it('a night of a goodput is accepted, compared exactly, gated, and never beside runs', async () => {
  const search = ['--goodput', '--precision', '8%', '--rate', '20', '--gate', 'goodput>=-10%'];
  const first = await night(TARGET, ...search, '--format', 'junit');
  assert.equal(first.code, 4, first.stderr);
  assert.equal(readXml(first.stdout).attributes['name'], 'reprise nightly');
  assert.match(first.stderr, /gate goodput>=-10% undecided: there is no accepted night yet/);

  const slower = await night(`${TARGET},host_fixed_us=4000`, ...search, '--format', 'markdown');
  assert.equal(slower.code, 1, slower.stdout + slower.stderr);
  assert.match(slower.stdout, /^\*\*▼ Worse: goodput -\d\d\.\d % \(-/);

  const { nights, accepted } = readHistory(branch);
  assert.deepEqual(
    nights.map(({ verdict, valid, measured }) => [verdict, valid, measured.kind]),
    [
      [null, true, 'goodput'],
      ['worse', true, 'goodput'],
    ],
  );
  assert.equal(accepted?.run_id, nights[0]?.run_id);
  const { value = 0, range: [low, high] = [0, 0] } = nights[0]?.metrics.goodput ?? {};
  assert.ok(value === low && high > low && high / low <= 1.08 / 0.92 + 1e-9);
  // Of its runs only those at the ends of the bracket stay.
  const dir = join(branch, nights[0]?.dir ?? '');
  assert.equal(readdirSync(join(dir, 'probes')).length, 2);
  assert.ok(existsSync(join(branch, 'trend.html')) && existsSync(join(branch, 'comparison.json')));

  const runs = readdirSync(join(branch, 'runs')).length;
  const refused = async (message: RegExp, ...options: readonly string[]): Promise<void> => {
    const { code, stderr } = await night(TARGET, ...options);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  };
  await refused(/are each the goodput of this trace at 90 %, and this one would be a run of the trace; give the same/);
  await refused(/they differ in --timeout; give the same options/, '--goodput', '--timeout', '9s');
  assert.equal(readdirSync(join(branch, 'runs')).length, runs);
});
