import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { appendNight, readHistory } from '../../src/search/nightly/history.ts';
import type { Night } from '../../src/schema/history.ts';
import { cli, startCli, temporaryFolder, type CliResult } from '../cli.ts';

const folder = temporaryFolder();
/** Noise of a tenth of a percent: what runs differ by is far within the margin. */
const TARGET = 'reference:vllm-v1,async=off,model=llama-3.1-8b,gpu=h100-sxm,noise=0.001,run_noise=0.001';
const SLOWER = `${TARGET},host_fixed_us=2000`;
const FASTER = `${TARGET},host_fixed_us=400`;
const COMMON = ['--clock', 'virtual', '--slo', 'ttft=250ms,tpot=20ms', '--limit', '120', '--quiet'];

function night(dir: string, target: string, ...options: readonly string[]): Promise<CliResult> {
  const branch = options.includes('--branch') ? [] : ['--branch', 'main'];
  return cli('nightly', 'chat', '--baseline', dir, '--target', target, ...COMMON, ...branch, ...options);
}

/** A night of the branch again, as often, with a spread of a thousandth. */
function repeat(dir: string, times: number): void {
  const [first] = readHistory(dir).nights;
  assert.ok(first !== undefined);
  for (let i = 1; i <= times; i++) {
    const metrics = Object.entries(first.metrics).flatMap(([name, figure]) => {
      if (figure === undefined) return [];
      const value = (figure.value ?? 0) * (name === 'attainment' ? 1 : 1 + 0.001 * ((i % 3) - 1));
      return [[name, { ...figure, value }] as const];
    });
    appendNight(dir, { ...first, run_id: `copy-${i}`, metrics: Object.fromEntries(metrics), accepted: false });
  }
}

const lastNight = (dir: string): Night => readHistory(dir).nights.at(-1) ?? assert.fail();

describe('reprise nightly', { concurrency: 2 }, () => {
  it('accepts its first night, judges from the twentieth on, and keeps a night whose gate fails', async () => {
    const dir = join(folder, 'gates');
    const branch = join(dir, 'main');
    const first = await night(dir, TARGET, '--gate', 'default', '--commit', 'c0ffee');
    assert.equal(first.code, 4, first.stderr);
    assert.match(first.stdout, /accepted as the baseline of main: its first valid night/);
    assert.match(first.stdout, /gate default undecided: there is no accepted night yet/);
    assert.ok(lastNight(branch).accepted && lastNight(branch).commit === 'c0ffee');
    assert.equal(readHistory(branch).accepted?.run_id, lastNight(branch).run_id);

    const second = await night(dir, `${TARGET},seed=2`, '--gate', 'default');
    assert.equal(second.code, 4, second.stderr);
    assert.match(second.stdout, /Provisional: the 20th valid night is the first that is judged, 18 to go/);
    assert.match(second.stdout, /gate default undecided: the 20th valid night is the first that is judged, 18 to go/);
    assert.equal((await night(dir, `${TARGET},seed=3`, '--gate', 'default', '--undecided', 'pass')).code, 0);

    repeat(branch, 17);
    // The same seed: with another the batches fall otherwise, which moves a p99 of 120 requests by a tenth.
    const same = await night(dir, TARGET, '--gate', 'default');
    assert.equal(same.code, 0, same.stdout + same.stderr);
    assert.match(same.stdout, /gate default held/);
    assert.equal(lastNight(branch).verdict, 'same');
    const worse = await night(dir, SLOWER, '--gate', 'default', '--gate', 'ttft.p50<=+500%');
    assert.equal(worse.code, 1, worse.stdout + worse.stderr);
    assert.match(worse.stdout, /▼ Worse: .*TPOT p50 \+/);
    assert.deepEqual(
      lastNight(branch).gates.map(({ verdict }) => verdict),
      ['missed', 'held'],
    );
    assert.equal(lastNight(branch).verdict, 'worse');
    assert.equal((await night(dir, FASTER, '--gate', 'default')).code, 0);
    assert.equal(lastNight(branch).verdict, 'better');
    assert.equal(readHistory(branch).nights.length, 23);
    assert.match(readFileSync(join(branch, 'trend.md'), 'utf8'), /^\*\*= No change in 23 nights\*\*/);

    // Another branch has the spread of the default one.
    assert.equal((await night(dir, TARGET, '--branch', 'fix/slow')).code, 0);
    const other = await night(dir, SLOWER, '--branch', 'fix/slow', '--gate', 'default');
    assert.equal(other.code, 1, other.stdout);
    assert.deepEqual(readdirSync(dir).sort(), ['fix-slow', 'main']);
  });

  it('refuses, before anything is sent, what cannot be compared, and options without sense', async () => {
    const dir = join(folder, 'refused');
    assert.equal((await night(dir, TARGET)).code, 0);
    const before = readFileSync(join(dir, 'main', 'history.jsonl'), 'utf8');
    const refused = async (message: RegExp, ...options: readonly string[]): Promise<void> => {
      const { code, stderr } = await cli('nightly', ...options);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    };
    const base = ['chat', '--baseline', dir, '--branch', 'main', '--target', TARGET, '--clock', 'virtual', '--limit'];
    await refused(
      /they differ in .*the requests.*; give the same options, or another --baseline folder/,
      ...base,
      '60',
    );
    await refused(/differ in .*the SLO/, ...base, '120', '--slo', 'ttft=100ms');
    await refused(/--gate: "goodput>=4rps" is no condition on a change/, ...base, '120', '--gate', 'goodput>=4rps');
    await refused(/--margin: "2" is not a share/, ...base, '120', '--margin', '2');
    await refused(/--baseline: name the folder of the history/, 'chat');
    await refused(/nightly: name a workload/, '--baseline', dir, '--branch', 'main');
    await refused(/--expire: "90" is not a number of days/, '--baseline', dir, '--branch', 'main', '--expire', '90');
    await refused(/unknown option --out/, ...base, '120', '--out', 'elsewhere');
    assert.equal(readFileSync(join(dir, 'main', 'history.jsonl'), 'utf8'), before);
    assert.equal(readdirSync(join(dir, 'main', 'runs')).length, 1);
    rmSync(join(dir, 'main', 'runs'), { recursive: true });
    await refused(/the run of the accepted night is gone; put it back, or accept another/, ...base, '120');
  });

  it('accepts another night, deletes old runs, and rebuilds the page', async () => {
    const dir = join(folder, 'care');
    for (const seed of [1, 2]) assert.equal((await night(dir, `${TARGET},seed=${seed}`)).code, 0);
    const [first, second] = readHistory(join(dir, 'main')).nights;
    const care = (...options: readonly string[]): Promise<CliResult> =>
      cli('nightly', '--baseline', dir, '--branch', 'main', ...options);
    const newest = await care('--accept');
    assert.match(newest.stdout, new RegExp(`accepted on main: night 2, ${second?.run_id}`));
    assert.match(readFileSync(join(dir, 'main', 'trend.md'), 'utf8'), /accepted baseline: night 2/);
    assert.equal((await care('--accept', first?.run_id ?? '')).code, 0);
    assert.equal(readHistory(join(dir, 'main')).accepted?.run_id, first?.run_id);
    assert.match((await care('--accept', 'none')).stderr, /--accept none: .* has no such night/);
    assert.match((await care('--expire', '1d')).stdout, /no run has expired/);
    rmSync(join(dir, 'main', 'trend.html'));
    const rebuilt = await cli('report', '--trend', dir);
    assert.equal(rebuilt.code, 0, rebuilt.stderr);
    assert.match(rebuilt.stdout, /Too few nights to see a change: 2 valid of the 20/);
    assert.ok(existsSync(join(dir, 'main', 'trend.html')));
    assert.equal((await cli('report', '--trend', join(folder, 'none'))).code, 2);
    assert.match((await cli('report', '--trend', dir, '--json')).stderr, /--format json: a trend is text or markdown/);
  });

  it('prints the night and the comparison as JSON', async () => {
    const dir = join(folder, 'json');
    const { night: first, comparison } = JSON.parse((await night(dir, TARGET, '--json')).stdout);
    assert.equal(first.accepted, true);
    assert.equal(comparison, null);
    const second = JSON.parse((await night(dir, TARGET, '--json')).stdout);
    assert.equal(second.night.baseline, first.run_id);
    assert.equal(second.comparison.provisional, true);
  });

  it('takes branch and commit from the repository, and asks where a commit is checked out', async () => {
    const repository = join(folder, 'repository');
    mkdirSync(repository);
    const git = (...args: readonly string[]): string =>
      spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: repository, encoding: 'utf8' })
        .stdout;
    git('init', '-b', 'trunk');
    writeFileSync(join(repository, 'a'), '');
    git('add', 'a');
    git('commit', '-m', 'a');
    const program = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
    const inRepository = (): { readonly status: number | null; readonly stderr: string } =>
      spawnSync(process.execPath, [program, 'nightly', 'chat', '--baseline', 'n', '--target', TARGET, ...COMMON], {
        cwd: repository,
        encoding: 'utf8',
      });
    const found = inRepository();
    assert.equal(found.status, 0, found.stderr);
    const { commit, branch } = lastNight(join(repository, 'n', 'trunk'));
    assert.deepEqual([commit, branch], [git('rev-parse', 'HEAD').trim(), 'trunk']);
    git('checkout', '--detach');
    const detached = inRepository();
    assert.equal(detached.status, 2);
    assert.match(detached.stderr, /--branch: no branch is checked out here, but a commit; say whose history/);
  });

  for (const goodput of [[], ['--goodput']])
    it(`keeps a night that was interrupted, marked, and takes it for no baseline ${goodput.join('')}`, async () => {
      const dir = join(folder, `interrupted${goodput.length}`);
      const slo = ['--slo', 'ttft=250ms,tpot=20ms'];
      const at = ['--baseline', dir, '--branch', 'main', '--target', 'reference', '--gate', 'default'];
      const { child, result } = startCli(['nightly', 'chat', ...at, ...slo, ...goodput, '--undecided', 'pass']);
      const runs = join(dir, 'main', 'runs');
      const hasBegun = (): boolean =>
        existsSync(runs) && readdirSync(runs, { recursive: true }).some((name) => String(name).endsWith('.journal'));
      while (!hasBegun() && child.exitCode === null) await sleep(50);
      child.kill('SIGINT');
      const { code, stderr, stdout } = await result;
      assert.equal(code, 130, stderr);
      assert.match(stdout, /gate default undecided: the night is not valid: did not complete: interrupted by SIGINT/);
      const kept = lastNight(join(dir, 'main'));
      assert.deepEqual([kept.valid, kept.verdict, kept.accepted], [false, null, false]);
      assert.match(kept.reasons.join(), /did not complete: interrupted by SIGINT/);
      assert.equal(readHistory(join(dir, 'main')).accepted, null);
      assert.match(readFileSync(join(dir, 'main', 'trend.md'), 'utf8'), /Night 1, .* is not valid: did not complete/);
    });

  it('says nothing of a night that never began', async () => {
    const dir = join(folder, 'none');
    for (const goodput of [[], ['--goodput']]) {
      const target = ['--target', 'http://127.0.0.1:9', '--slo', 'ttft=1s'];
      const { code, stderr } = await cli(
        'nightly',
        'chat',
        '--baseline',
        dir,
        '--branch',
        'main',
        ...target,
        ...goodput,
      );
      assert.equal(code, 3, stderr);
      assert.ok(!existsSync(join(dir, 'main', 'history.jsonl')));
    }
  });
});
