import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { withFolder } from '../../src/search/folder.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareRuns } from '../../src/compare/compare.ts';
import { loadRuns, type LoadedRun } from '../../src/compare/load-runs.ts';
import { comparisonSchema, type Comparison } from '../../src/schema/comparison.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { cli, readJson, startCli, temporaryFolder, type CliResult } from '../cli.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const PLAIN = 'reference:vllm-v1,async=off,model=llama-3.1-8b,gpu=h100-sxm';
const NOISY = `${PLAIN},noise=0.03,run_noise=0.01`;
/** Host work that the GPU waits for, which makes an iteration longer by some 20 %. */
const SLOWER = `${NOISY},host_fixed_us=3500`;

/** 200 requests, eight a second. */
const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 200 }, (_, i) => `${(i / 8).toFixed(3)},${300 + ((i * 37) % 400)},${20 + (i % 13)}`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

function argsOf(name: string, base: string, now: string, ...options: string[]): string[] {
  const out = join(folder, name);
  return ['ab', trace, '--clock', 'virtual', '--base', base, '--new', now, '--out', out, ...options];
}
const ab = (name: string, base: string, now: string, ...options: string[]): Promise<CliResult> =>
  cli(...argsOf(name, base, now, ...options));

function readComparison(name: string): Comparison {
  return comparisonSchema.parse(readJson(folder, name, 'comparison.json'));
}

/** The runs in order of their starts, and where they stand. */
function runsOf(name: string, repeats: number): { readonly at: string; readonly manifest: Manifest }[] {
  return ['base', 'new']
    .flatMap((side) => Array.from({ length: repeats }, (_, i) => `${side}/${i + 1}`))
    .map((at) => ({ at, manifest: readRunFile(join(folder, name, at)) }))
    .toSorted((a, b) => (a.manifest.started_at < b.manifest.started_at ? -1 : 1));
}

describe('ab in virtual time', { concurrency: 2 }, () => {
  it('one system twice: A B B A, seeds of their own, nothing worse, and what compare says of its folders', async () => {
    const { code, stdout, stderr } = await ab('same', NOISY, NOISY, '--repeats', '3', '--slo', 'ttft=100ms,tpot=12ms');
    assert.equal(code, 0, stderr);
    const runs = runsOf('same', 3);
    assert.deepEqual(
      runs.map(({ at }) => at),
      ['base/1', 'new/1', 'new/2', 'base/2', 'base/3', 'new/3'],
    );
    assert.deepEqual(
      runs.map(({ manifest }) => manifest.target.facts['seed']),
      [1, 2, 4, 3, 5, 6],
    );
    assert.match(stderr, /^3 of 6: new, repeat 2$/m);
    const comparison = readComparison('same');
    assert.deepEqual([comparison.order, comparison.provisional], ['paired', false]);
    assert.deepEqual([comparison.base.name, comparison.new.name], ['base', 'new']);
    assert.ok(['same', 'undecided'].includes(comparison.verdict), comparison.verdict);
    assert.ok(!comparison.doubts.some(({ blocks }) => blocks), JSON.stringify(comparison.doubts));
    const again = await cli('compare', join(folder, 'same', 'base'), join(folder, 'same', 'new'));
    assert.equal(stdout, `${again.stdout}comparison: ${join(folder, 'same', 'comparison.html')}\n`);
    // As if the machine grew slower from run to run.
    const places = new Map(runs.map(({ manifest }, place) => [manifest.started_at, place]));
    const drifting = async (side: string): Promise<LoadedRun[]> =>
      (await loadRuns(join(folder, 'same', side), null)).map((run) => {
        const { summary, manifest } = run;
        const { latency_ms } = summary;
        const p50 = (latency_ms.ttft.p50 ?? 0) * 1.05 ** (places.get(manifest.started_at) ?? 0);
        return { ...run, summary: { ...summary, latency_ms: { ...latency_ms, ttft: { ...latency_ms.ttft, p50 } } } };
      });
    const [base, now] = [await drifting('base'), await drifting('new')];
    const { doubts } = compareRuns(base, now, { margin: 0.02, names: ['base', 'new'] });
    const [drift, ...others] = doubts.filter((doubt) => doubt.code === 'drift');
    assert.deepEqual([drift?.blocks, others], [false, []]);
    assert.match(drift?.text ?? '', /^TTFT p50 grew by [45]\.\d % a run over the 6 runs; A B B A keeps that out/);
    // One run twice would seem to show that runs do not vary.
    for (const copy of ['1', '2'])
      cpSync(join(folder, 'same', 'base', '1'), join(folder, 'copies', copy), { recursive: true });
    const copies = await cli('compare', join(folder, 'copies'), join(folder, 'same', 'new'));
    assert.equal(copies.code, 2);
    assert.match(copies.stderr, /copies.1 and .*copies.2 are one run, a link or a copy of it/);
  });

  it('what these runs cannot tell is 4, and what --undecided says', async () => {
    const wild = `${PLAIN},noise=0.03,run_noise=0.3`;
    const codes: (number | null)[] = [];
    // The second and the third find the runs of the first.
    for (const as of [[], ['--undecided', 'pass'], ['--undecided', 'fail']]) {
      const { code } = await ab('wild', wild, wild, '--repeats', '2', '--quiet', '--gate', 'tpot.p50<=+1%', ...as);
      codes.push(code);
    }
    assert.deepEqual(codes, [4, 0, 1]);
  });

  it('without noise one run of each is exact', async () => {
    const { code, stderr } = await ab('exact', PLAIN, `${PLAIN},token_budget=512`);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /runs repeat to the bit: one of each is exact\n1 of 2: base, repeat 1\n2 of 2: new, repeat 1\n$/,
    );
    assert.deepEqual([readComparison('exact').order, readComparison('exact').provisional], ['exact', false]);
  });

  it('goes on after kill -9 at any moment: no finished run is made again, and the result is that of one go: slower is worse', async () => {
    const args = argsOf('killed', NOISY, SLOWER, '--repeats', '3', '--quiet');
    let kills = 0;
    const finished = new Map<string, string>();
    for (const afterMs of [300, 900, 1300, 2100]) {
      const { child, result } = startCli(args);
      await sleep(afterMs);
      if (child.kill('SIGKILL')) kills++;
      await result;
      for (const at of ['base/1', 'new/1', 'new/2', 'base/2', 'base/3', 'new/3']) {
        const file = join(folder, 'killed', at, 'run.json');
        if (!existsSync(file) || readRunFile(join(file, '..')).status !== 'complete') continue;
        const text = readFileSync(file, 'utf8');
        assert.equal(text, finished.get(at) ?? text, `${at} was made again`);
        finished.set(at, text);
      }
    }
    assert.ok(kills > 0);
    const done = await cli(...args);
    assert.equal(done.code, 0, done.stderr);
    for (const [at, text] of finished)
      assert.equal(readFileSync(join(folder, 'killed', at, 'run.json'), 'utf8'), text, `${at} was made again`);
    assert.equal(existsSync(join(folder, 'killed', 'ab.lock')), false);
    const whole = await ab('whole', NOISY, SLOWER, '--repeats', '3', '--quiet');
    assert.equal(whole.code, 0, whole.stderr);
    assert.deepEqual(readComparison('killed').metrics, readComparison('whole').metrics);
    // The runs are there: what is asked of them may be another thing.
    const slower = await ab('whole', NOISY, SLOWER, '--repeats', '3', '--quiet', '--gate', 'default');
    assert.equal(slower.code, 1, slower.stderr);
    assert.match(slower.stdout, /^✗ gate default missed: .*tpot\.p50 \+/m);
    assert.equal(readComparison('whole').verdict, 'worse');
    const [base, now] = [join(folder, 'whole', 'base'), join(folder, 'whole', 'new')];
    const faster = await cli('compare', now, base, '--gate', 'tpot.p50<=+1%', '--gate', 'tpot.p90<=+1%');
    assert.equal(faster.code, 0, faster.stderr);
    assert.match(faster.stdout, /^✓ gate tpot\.p90<=\+1% held: /m);
  });

  it('refuses what it cannot do before a run is made', async () => {
    for (const [name, message, ...given] of [
      ['once', /--repeats: got 1, expected a whole number from 2 \(one run shows nothing/, '--repeats', '1'],
      ['many', /--repeats: got 1000000000, expected a whole number from 2 .* to 1000/, '--repeats', '1e9'],
      ['started', /--base-start: .* is started by reprise itself/, '--base-start', 'true'],
      ['ready', /--new-ready: there is nothing to wait for without --new-start/, '--new-ready', 'http://127.0.0.1:1'],
      ['gate', /--gate: "ttft" is not judged here/, '--gate', 'ttft<=+5%'],
      ['margin', /--margin: "2" is not a share/, '--margin', '2'],
      ['salt', /unknown option --salt/, '--salt', 'x'],
    ] as const) {
      const { code, stderr } = await ab(name, NOISY, NOISY, ...given);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(existsSync(join(folder, name)), false);
    }
    const unknown = await ab('unknown', NOISY, 'reference:vlm-v1');
    assert.match(unknown.stderr, /--new: reference engine: system "vlm-v1" is not known/);
    const one = await cli('ab', trace, '--base', NOISY);
    assert.match(one.stderr, /name two targets, --base and --new/);
  });

  it('goes on in its own folder only, with the same systems, and not beside itself', async () => {
    const first = await ab('own', NOISY, NOISY, '--repeats', '2', '--quiet');
    assert.equal(first.code, 0, first.stderr);
    const other = await ab('own', NOISY, SLOWER, '--repeats', '2');
    assert.equal(other.code, 2);
    assert.match(other.stderr, /own.new.1: this run is of another comparison \(other target\); choose another --out/);

    const more = await ab('own', NOISY, NOISY, '--repeats', '3');
    assert.match(more.stderr, /^4 of 6: base, repeat 2, as an earlier command made it\n5 of 6: base, repeat 3\n/m);
    const fewer = await ab('own', NOISY, NOISY, '--repeats', '2');
    assert.match(fewer.stderr, /own.base.3: would be compared too, and 2 runs of each are asked for/);
    const withCache = await ab('own', NOISY, NOISY, '--repeats', '3', '--reset-cache');
    assert.match(withCache.stderr, /own.base.1: this run is of another comparison \(other --reset-cache\)/);
    const beside = await withFolder(join(folder, 'own'), () => ab('own', NOISY, NOISY, '--repeats', '3'));
    assert.equal(beside.code, 2);
    assert.match(beside.stderr, /another command goes on here/);
    mkdirSync(join(folder, 'foreign', 'new', 'stuff'), { recursive: true });
    writeFileSync(join(folder, 'foreign', 'notes.txt'), 'mine');
    assert.match((await ab('foreign', NOISY, NOISY)).stderr, /foreign: not empty; choose another --out/);
    mkdirSync(join(folder, 'file'));
    writeFileSync(join(folder, 'file', 'base'), 'mine');
    const file = await ab('file', NOISY, NOISY);
    assert.equal(file.code, 2);
    assert.match(file.stderr, /file.base: a folder of runs was to be made here, but this is a file/);
  });
});
