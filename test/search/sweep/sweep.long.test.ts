import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { LOCK_FILE } from '../../../src/runs/run-directory.ts';
import { withFolder } from '../../../src/search/folder.ts';
import { sweepSchema, type SweepReport } from '../../../src/schema/sweep.ts';
import { cli, type CliResult, startCli, temporaryFolder } from '../../cli.ts';
import { readRunFile, readSummary } from '../../written-files.ts';

const folder = temporaryFolder();
const ON = 'model=llama-3.1-8b,gpu=a100-sxm-80g';
const V1 = `reference:vllm-v1,${ON}`;
const TWO = `reference:vllm-v1,${ON},tp=2`;
const SLO = 'ttft=300ms,tpot=25ms';

/** 100 requests, one a second, of 1,000 tokens in and 100 out. */
const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 100 }, (_, i) => `${i + (i % 7) / 10},${800 + ((i * 37) % 400)},100`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const GRID = ['--target', V1, '--target', TWO, '--rates', '8,16', '--slo', SLO, '--slo-scales', '0.5..2/0.5'];
const argsOf = (out: string, ...options: string[]): string[] =>
  ['sweep', trace, '--clock', 'virtual', '--out', join(folder, out)].concat(options);

async function sweep(out: string, ...options: string[]): Promise<CliResult & { readonly report: SweepReport }> {
  const result = await cli(...argsOf(out, ...options));
  assert.equal(result.code, 0, result.stderr);
  return { ...result, report: reportIn(out) };
}

function reportIn(out: string): SweepReport {
  return sweepSchema.parse(JSON.parse(bytesOf(out)));
}

const bytesOf = (out: string): string => readFileSync(join(folder, out, 'sweep.json'), 'utf8');

/** When each run of a sweep was written, by its folder. */
function writtenRuns(out: string): Map<string, number> {
  const runs = join(folder, out, 'runs');
  const names = readdirSync(runs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('run.json'));
  return new Map(names.map((name) => [name, statSync(join(runs, name)).mtimeMs]));
}

describe('a sweep', () => {
  let plain: Awaited<ReturnType<typeof sweep>>;
  before(async () => {
    plain = await sweep('plain', ...GRID, '--workers', '2');
  });

  it('has a whole run at every point, which says the same when it is run alone', async () => {
    const { report, stdout, stderr } = plain;
    assert.equal(report.points.length, 2 * 2 * 4);
    assert.match(stderr, /^4 runs: 2 rates from 8\.00 to 16\.0 requests\/s; 4 SLO scales from the same runs$/m);
    assert.match(stderr, /^4 of 4 runs, vllm-v1(?: tp=2)? at [\d.]+ requests\/s: [\d.]+ % meet the SLO$/m);
    assert.match(stdout, /^● 90 % meet TTFT <= 300 ms and TPOT <= 25 ms on vllm-v1 up to /);
    assert.deepEqual(
      report.targets.map(({ name, gpus }) => [name, gpus]),
      [
        ['vllm-v1', 1],
        ['vllm-v1 tp=2', 2],
      ],
    );
    const point = report.points.find(({ rate_rps, slo_scale }) => rate_rps === 8 && slo_scale === 1);
    assert.ok(point !== undefined);
    const run = join(folder, 'plain', point.dir);
    assert.equal(readRunFile(run).status, 'complete');
    assert.ok(existsSync(join(run, 'report.html')));
    const alone = join(folder, 'alone');
    const options = ['--clock', 'virtual', '--rate', '8', '--target', V1, '--slo', SLO, '--quiet'];
    assert.equal((await cli('run', trace, ...options, '--out', alone)).code, 0);
    assert.equal(readSummary(alone).records_sha256, readSummary(run).records_sha256);
    assert.equal(readSummary(alone).slo?.attainment.joint, point.attainment);
    // Another scale of the same records is what a report by those limits says.
    const twice = report.points.find(({ dir, slo_scale }) => dir === point.dir && slo_scale === 2);
    const judged = await cli('report', alone, '--slo', 'ttft=600ms,tpot=50ms', '--json');
    assert.equal(JSON.parse(judged.stdout).slo.attainment.joint, twice?.attainment);
  });

  it('goes on after it was killed, to the same bytes from other threads, and makes no finished run again', async () => {
    const { child, result } = startCli(argsOf('killed', ...GRID, '--workers', '1'));
    child.stderr?.on('data', (text: Buffer) => {
      if (text.toString().includes('2 of 4')) child.kill('SIGKILL');
    });
    await result;
    const dirs = writtenRuns('killed');
    const finished = [...dirs].filter(
      ([name]) => readRunFile(join(folder, 'killed', 'runs', name, '..')).status === 'complete',
    );
    assert.ok(finished.length >= 2 && finished.length < 4, String(finished.length));
    const { stderr } = await sweep('killed', ...GRID, '--workers', '3');
    assert.match(stderr, /as an earlier run has it/);
    assert.equal(bytesOf('killed'), bytesOf('plain'));
    const after = writtenRuns('killed');
    for (const [name, at] of finished) assert.equal(after.get(name), at, name);
  });

  it('is stopped by Ctrl-C with exit code 130, and keeps what has finished', async () => {
    const { child, result } = startCli(argsOf('stopped', ...GRID, '--workers', '1'));
    // Later lines say so too.
    let isStopped = false;
    child.stderr?.on('data', (text: Buffer) => {
      if (isStopped || !text.toString().includes('1 of 4 runs,')) return;
      isStopped = child.kill('SIGINT');
    });
    const { code, stderr } = await result;
    assert.equal(code, 130, stderr);
    assert.match(
      stderr,
      /error: interrupted by SIGINT\nkept in .*stopped: \d of 4 runs; the same command goes on from there\n$/,
    );
  });

  it('has its folder to itself: another is refused before it makes a run, and a lock of a killed one does not count', async () => {
    const dir = join(folder, 'taken');
    mkdirSync(dir);
    const { code, stderr } = await withFolder(dir, async () => {
      const refused = await cli(...argsOf('taken', ...GRID));
      assert.deepEqual(readdirSync(dir), [LOCK_FILE]);
      return refused;
    });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /taken: another command goes on here .*; wait for it, end it, or choose another/);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, LOCK_FILE), '');
    await sweep('taken', ...GRID);
    assert.equal(bytesOf('taken'), bytesOf('plain'));
    assert.ok(!existsSync(join(dir, LOCK_FILE)));
  });

  it('takes further rates, targets and scales in its folder, and nothing of another sweep', async () => {
    const one = ['--target', V1, '--slo', SLO];
    await sweep('more', ...one, '--rates', '8');
    const made = writtenRuns('more');
    await sweep('more', ...GRID);
    for (const [name, at] of made) assert.equal(writtenRuns('more').get(name), at);
    assert.equal(bytesOf('more'), bytesOf('plain'));
    for (const [options, what] of [
      [['--target', TWO, '--slo', SLO], 'targets'],
      [['--target', V1, '--target', TWO, '--slo', 'ttft=1s'], 'SLO'],
      [['--target', V1, '--target', TWO, '--slo', SLO, '--limit', '50'], 'requests'],
    ] as const) {
      const { code, stderr } = await cli(...argsOf('more', ...options, '--rates', '4'));
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`holds another sweep \\(other ${what}\\); choose another --out`));
    }
    assert.equal(bytesOf('more'), bytesOf('plain'));
  });

  it('has rates per GPU of each target', async () => {
    const { report } = await sweep(
      'per-gpu',
      '--target',
      V1,
      '--target',
      TWO,
      '--slo',
      SLO,
      '--per-gpu',
      '--rates',
      '4',
    );
    assert.deepEqual(
      report.min_scales.map(({ rate_rps, rate_rps_per_gpu }) => [rate_rps, rate_rps_per_gpu]),
      [
        [4, 4],
        [8, 4],
      ],
    );
    const { code, stderr } = await cli('sweep', trace, '--target', 'http://127.0.0.1:9', '--slo', SLO, '--per-gpu');
    assert.equal(code, 2);
    assert.match(stderr, /--per-gpu: http:\/\/127\.0\.0\.1:9 does not tell how many GPUs it has; say so with --gpus/);
  });

  it('is judged by another SLO from its records, in files beside its own, each run too', async () => {
    const own = bytesOf('plain');
    const dir = join(folder, 'plain');
    const { code, stdout } = await cli('report', dir, '--slo', 'ttft=600ms,tpot=50ms', '--slo-scales', '0.5,2');
    assert.equal(code, 0);
    assert.equal(bytesOf('plain'), own);
    const name = 'ttft-600ms-tpot-50ms-at-90';
    const other = sweepSchema.parse(JSON.parse(readFileSync(join(dir, `sweep-${name}.json`), 'utf8')));
    assert.deepEqual(other.slo_scales, [0.5, 1, 2]);
    // Half of twice the SLO is the SLO.
    const shares = (report: SweepReport, scale: number): number[] =>
      report.points.filter(({ slo_scale }) => slo_scale === scale).map(({ attainment }) => attainment);
    assert.deepEqual(shares(other, 0.5), shares(reportIn('plain'), 1));
    const page = readFileSync(join(dir, `sweep-${name}.html`), 'utf8');
    const [link = ''] = /href="(runs\/[^"]+)"/.exec(page)?.slice(1) ?? [];
    assert.ok(link.endsWith(`report-${name}.html`) && existsSync(join(dir, link)), link);
    assert.match(stdout, new RegExp(`report: .*sweep-${name}\\.html\\n$`));
    assert.equal((await cli('report', dir, '--json')).code, 0);
    assert.equal(bytesOf('plain'), own);
  });

  it('names the target and the rate that failed, and keeps what was measured', async () => {
    const options = ['--target', V1, '--rates', '40', '--limit', '20', '--slo', SLO, '--out', join(folder, 'failed')];
    const { code, stderr } = await cli('sweep', trace, ...options, '--target', 'http://127.0.0.1:9');
    assert.equal(code, 3, stderr);
    assert.match(stderr, /error: 127\.0\.0\.1:9 at 40\.0 requests\/s: cannot reach http:\/\/127\.0\.0\.1:9/);
    assert.match(stderr, /kept in .*failed: 1 of 2 runs; the same command goes on from there/);
    assert.equal(readRunFile(join(folder, 'failed', 'runs', '1-reference-vllm-v1', '40rps')).status, 'complete');
  });

  it('refuses what makes no sense before anything is run', async () => {
    for (const [options, message] of [
      [['--slo', SLO], /--target: name what to measure/],
      [['--target', V1], /--slo: say what has to be met/],
      [['--target', V1, '--target', V1, '--slo', SLO], /--target: .* is given twice/],
      [['--target', V1, '--slo', SLO, '--rates', '1..2'], /--rates: "1\.\.2" has no step/],
      [['--target', V1, '--slo', SLO, '--workers', 'many'], /--workers: got "many", expected auto or a whole number/],
      [['--target', 'http://a', '--target', 'http://b', '--slo', SLO, '--start', 'x'], /--start: .* one server/],
    ] as const) {
      const { code, stderr } = await cli(...argsOf('refused', ...options));
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
    }
    assert.equal(existsSync(join(folder, 'refused')), false);
  });

  it('runs on the wall clock, one run after another', async () => {
    const out = join(folder, 'real');
    const options = ['--target', V1, '--rates', '20,40', '--limit', '20', '--slo', 'ttft=2s', '--out', out];
    const { code, stderr } = await cli('sweep', trace, ...options);
    assert.equal(code, 0, stderr);
    const [first, second] = [20, 40].map((rate) => readRunFile(join(out, 'runs', '1-reference-vllm-v1', `${rate}rps`)));
    assert.ok((first?.ended_at ?? 'z') <= (second?.started_at ?? ''), 'they overlap');
    rmSync(out, { recursive: true });
  });
});

describe('report --slo-scales', () => {
  const dir = join(folder, 'scaled');

  it('says from which scale on the SLO is met, in the summary, the page, text and markdown', async () => {
    const options = ['--clock', 'virtual', '--rate', '8', '--target', V1, '--slo', SLO, '--quiet'];
    assert.equal((await cli('run', trace, ...options, '--out', dir)).code, 0);
    assert.equal(readSummary(dir).slo?.scales, undefined);
    const { stdout } = await cli('report', dir, '--slo-scales', '0.5..2/0.5');
    const scales = readSummary(dir).slo?.scales;
    assert.deepEqual(
      scales?.map(({ scale }) => scale),
      [0.5, 1, 1.5, 2],
    );
    assert.equal(scales?.[1]?.attainment, readSummary(dir).slo?.attainment.joint);
    const line = /90 % (?:meet it from [\d.]+ times the SLO on|do not meet it up to)/;
    assert.match(stdout, line);
    assert.match(readFileSync(join(dir, 'summary.md'), 'utf8'), line);
    assert.match(readFileSync(join(dir, 'report.html'), 'utf8'), /id="slo-scales"/);
  });

  it('needs an SLO', async () => {
    const out = join(folder, 'no-slo');
    assert.equal((await cli('run', trace, '--clock', 'virtual', '--out', out, '--limit', '5', '--quiet')).code, 0);
    const { code, stderr } = await cli('report', out, '--slo-scales', '0.5..2');
    assert.equal(code, 2);
    assert.match(stderr, /--slo-scales: run no-slo has no SLO to scale; give its limits, e\.g\. --slo ttft=200ms/);
    assert.equal((await cli('report', out, '--slo-scales', '0.5..2', '--slo', 'ttft=1s')).code, 0);
  });
});
