import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readRecords } from '../../src/runs/records.ts';
import { goodputSchema, goodputsSchema, type GoodputReport, type GoodputsReport } from '../../src/schema/goodput.ts';
import { LOCK_FILE } from '../../src/runs/run-directory.ts';
import { cli, startCli, temporaryFolder, type CliResult } from '../cli.ts';
import { freePort, serve, streamTokens } from '../servers.ts';

const folder = temporaryFolder();
const SLO = ['--slo', 'ttft=500ms,tpot=40ms'];
const V1 = 'reference:vllm-v1,model=llama-3.1-8b,gpu=a100-sxm-80g';
const FASTER = 'reference:vllm-v1,model=llama-3.1-8b,gpu=h100-sxm';
const SGLANG = 'reference:sglang,model=llama-3.1-8b,gpu=h100-sxm';

/** 120 requests, one a second, of 800 to 1,200 tokens in and 60 out. */
const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 120 }, (_, i) => `${i + (i % 7) / 10},${800 + ((i * 37) % 400)},60`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

const outOf = (name: string): string => join(folder, name);
const targets = (...all: string[]): string[] => all.flatMap((target) => ['--target', target]);
const virtual = (name: string, ...options: string[]): Promise<CliResult> =>
  cli('goodput', trace, '--clock', 'virtual', ...SLO, '--out', outOf(name), ...options);
const fileOf = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
const reportOf = (name: string): GoodputReport => goodputSchema.parse(JSON.parse(fileOf(name, 'goodput.json')));
const severalOf = (name: string): GoodputsReport => goodputsSchema.parse(JSON.parse(fileOf(name, 'goodputs.json')));

/** What was asked of a target: each request's id, lengths, and due time from the first. */
async function askedIn(dir: string): Promise<unknown[]> {
  const asked: (readonly [number, string, number | null, number | null])[] = [];
  for await (const batch of readRecords(dir))
    for (const { request_id, due_us, input_tokens_planned, output_tokens_planned } of batch)
      asked.push([due_us, request_id, input_tokens_planned, output_tokens_planned]);
  return asked.sort(([a], [b]) => a - b);
}

describe('goodput of several targets', { concurrency: 2 }, () => {
  it('searches each in a folder of its own, as alone, and puts them beside one another', async () => {
    const gates = ['--gate', 'goodput>=1rps', '--gate', 'goodput>=1000rps'];
    const { code, stdout, stderr } = await virtual('three', ...targets(V1, SGLANG, FASTER), ...gates);
    assert.equal(code, 1, stderr);
    const { targets: found } = severalOf('three');
    assert.deepEqual(
      found.map(({ name, dir }) => [name, dir]),
      [
        ['reference-vllm-v1-1', '1-reference-vllm-v1'],
        ['reference-sglang', '2-reference-sglang'],
        ['reference-vllm-v1-3', '3-reference-vllm-v1'],
      ],
    );
    for (const { dir, report } of found) assert.deepEqual(reportOf(join('three', dir)), report);
    for (const { name } of found) {
      assert.match(stdout, new RegExp(`✓ gate goodput>=1rps held: ${name}: `));
      assert.match(stdout, new RegExp(`✗ gate goodput>=1000rps missed: ${name}: `));
    }
    assert.match(stderr, /target 2 of 3: reference-sglang \(reference:sglang,/);
    assert.equal((await virtual('alone', ...targets(SGLANG))).code, 0);
    assert.deepEqual(reportOf('alone'), found[1]?.report);
  });

  for (const what of ['trace', 'traffic'] as const)
    it(`asks the same of each, of ${what}: ids, lengths and, at one rate, due times`, async () => {
      const name = `same-${what}`;
      const options = ['--of', what, '--budget', what === 'trace' ? '1req' : '1100req', '--rate', '4'];
      const { code, stderr } = await virtual(name, ...targets(V1, SGLANG), ...options);
      assert.equal(code, 0, stderr);
      const run = what === 'trace' ? join('probes', '4rps') : 'traffic';
      const [one = [], other = []] = await Promise.all(
        severalOf(name).targets.map(({ dir }) => askedIn(join(outOf(name), dir, run))),
      );
      // Of traffic, the rates part ways with the first probe that one target misses.
      const same = what === 'trace' ? one.length : 200;
      assert.ok(same > 100 && other.length >= same);
      assert.deepEqual(one.slice(0, same), other.slice(0, same));
      const withoutDue = (asked: readonly unknown[]): unknown[] =>
        asked.map((each) => (Array.isArray(each) ? each.slice(1) : each));
      const both = Math.min(one.length, other.length);
      assert.deepEqual(withoutDue(one).slice(0, both), withoutDue(other).slice(0, both));
    });

  it('goes on with the target that was not finished, and keeps what was', async () => {
    const options = targets(V1, SGLANG);
    assert.equal((await virtual('whole', ...options)).code, 0);
    const out = outOf('parted');
    const { child, result } = startCli(['goodput', trace, '--clock', 'virtual', ...SLO, '--out', out, ...options]);
    let said = '';
    child.stderr?.on('data', (text: Buffer) => {
      said += text.toString();
      if (/target 2 of 2[^]*run 2/.test(said) && !child.killed) child.kill('SIGINT');
    });
    assert.equal((await result).code, 130);
    assert.ok(!existsSync(join(out, 'goodputs.json')) && !existsSync(join(out, LOCK_FILE)));
    const first = join(out, '1-reference-vllm-v1', 'probes');
    const madeAt = (): number[] => readdirSync(first).map((name) => statSync(join(first, name, 'run.json')).mtimeMs);
    const made = madeAt();
    assert.equal((await virtual('parted', ...options)).code, 0);
    assert.equal(fileOf('parted', 'goodputs.json'), fileOf('whole', 'goodputs.json'));
    assert.deepEqual(madeAt(), made);
  });

  it('keeps the others where one is not there, names it with exit code 3, and keeps their runs for the next time', async () => {
    const there = await serve((_index, _request, response) => void streamTokens(response, 60, 0));
    const gone = `http://127.0.0.1:${await freePort()}`;
    const options = ['--budget', '1req', '--rate', '200', '--keep', 'none', '--gpus', '2'];
    const out = outOf('one-gone');
    const args = ['goodput', trace, ...SLO, ...targets(gone, there.url.href), '--out', out, ...options];
    const { code, stdout, stderr } = await cli(...args);
    await there.close();
    assert.equal(code, 3, stderr);
    assert.match(stderr, new RegExp(`error: 127.0.0.1_\\d+: cannot reach ${gone}`));
    assert.match(stderr, /the others stand in .*goodputs\.json; with --out .* goes on with what is missing/);
    const { targets: found } = severalOf('one-gone');
    assert.deepEqual(
      found.map(({ dir, report }) => [dir, report.gpus, report.probes.length]),
      [[`2-127.0.0.1_${there.url.port}`, 2, 1]],
    );
    assert.ok(existsSync(join(out, found[0]?.dir ?? '', found[0]?.report.probes[0]?.dir ?? '', 'run.json')));
    assert.match(stdout, /requests\/s/);
  });
});

describe('the runs of a search', { concurrency: 2 }, () => {
  const probesIn = (name: string): string[] => readdirSync(join(outOf(name), 'probes')).map((each) => `probes/${each}`);

  it('--keep last: those at the ends of the first bracket stay', async () => {
    assert.equal((await virtual('last', ...targets(V1), '--keep', 'last', '--at', '0.9,0.5')).code, 0);
    const { probes, answers } = reportOf('last');
    const ends = probes.filter(({ rate_rps }) => answers[0]?.bracket_rps.includes(rate_rps));
    assert.equal(ends.length, 2);
    assert.deepEqual(probesIn('last').toSorted(), ends.map(({ dir }) => dir ?? 'null').toSorted());
    assert.equal(probes.filter(({ dir }) => dir === null).length, probes.length - 2);
    assert.doesNotMatch(fileOf('last', 'goodput.html'), /null\/report\.html/);
  });

  it('--keep none: none stays, of several targets too, and the figures are the same', async () => {
    assert.equal((await virtual('none', ...targets(V1, SGLANG), '--keep', 'none')).code, 0);
    assert.equal((await virtual('every', ...targets(V1, SGLANG))).code, 0);
    const [none, every] = [severalOf('none'), severalOf('every')];
    const withoutRuns = ({ targets: found }: GoodputsReport): unknown =>
      found.map(({ report, ...target }) => ({
        ...target,
        report: { ...report, probes: report.probes.map((probe) => ({ ...probe, dir: null })) },
      }));
    assert.deepEqual(none.targets, withoutRuns(every));
    for (const { dir } of none.targets)
      assert.deepEqual(readdirSync(join(outOf('none'), dir)).toSorted(), [
        'goodput.html',
        'goodput.json',
        'goodput.md',
      ]);
  });

  it('--keep last, of traffic: its run stays', async () => {
    const options = ['--of', 'traffic', '--budget', '1100req', '--rate', '4'];
    assert.equal((await virtual('of-traffic', ...targets(V1), ...options, '--keep', 'last')).code, 0);
    assert.ok(reportOf('of-traffic').probes.every(({ dir }) => dir === 'traffic'));
    assert.equal((await virtual('of-traffic', ...targets(V1), ...options, '--keep', 'none')).code, 0);
    assert.ok(reportOf('of-traffic').probes.every(({ dir }) => dir === null));
    assert.ok(!existsSync(join(outOf('of-traffic'), 'traffic')));
  });

  it('a run that would outlast the time of the search is ended with it, and made again by the next', async () => {
    const real = ['goodput', trace, ...targets(FASTER), ...SLO, '--out', outOf('timed')];
    // At its own rate the trace takes two minutes.
    const { code, stderr } = await cli(...real, '--budget', '6s');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /run 1: .*\n(.*\n)*\s+not decided: the time of --budget is over/);
    const { state, probes } = reportOf('timed');
    assert.deepEqual([state, probes], ['budget', []]);
    assert.ok(!existsSync(join(outOf('timed'), 'probes', '1rps')));
  });

  it('are those of one search alone: a second in the same folder is refused while the first goes on', async () => {
    const args = ['goodput', trace, ...targets(FASTER), ...SLO, '--out', outOf('shared')];
    const { child, result } = startCli(args);
    const begun = new Promise<void>((resolve) =>
      child.stderr?.on('data', (text: Buffer) => {
        if (text.toString().includes('run 1')) resolve();
      }),
    );
    await begun;
    const second = await cli(...args);
    assert.equal(second.code, 2);
    assert.match(second.stderr, /shared: another command goes on here/);
    child.kill('SIGKILL');
    await result;
    assert.ok(existsSync(join(outOf('shared'), LOCK_FILE)));
    const third = await cli(...args, '--budget', '0req');
    assert.equal(third.code, 0, third.stderr);
    assert.ok(!existsSync(join(outOf('shared'), LOCK_FILE)));
  });
});

it('what is wrong is refused before anything is sent, and names the way out', async () => {
  const url = 'http://127.0.0.1:9';
  mkdirSync(outOf('occupied'));
  writeFileSync(join(outOf('occupied'), 'notes.txt'), 'mine');
  const cases: readonly (readonly [options: readonly string[], message: RegExp])[] = [
    [['--of', 'all'], /--of: "all" is not known; known: trace, traffic/],
    [['--keep', 'some'], /--keep: got "some", expected all, last, none/],
    [['--gpus', '1,2,3'], /--gpus: "1,2,3" has 3 numbers for 2 targets; give one for each, or one for all URLs/],
    [['--gpus', '1.5'], /--gpus: got "1.5", expected a whole number from 1/],
    [['--start', 'true'], /--start: starts one server, and there are 2 targets; start them yourself, or search each/],
    [['--target', 'reference:nope'], /--target: .*"nope" is not known/],
    [['--clock', 'virtual'], /--clock virtual needs the reference engine, and http:\/\/127\.0\.0\.1:9 is a server/],
    [['--budget', '900h'], /--budget: is more than the 24 days that can be timed/],
    [['--arrivals', 'poisson'], /--arrivals poisson: a trace has arrivals of its own; add --of traffic/],
    [['--out', outOf('occupied')], /occupied: not empty; choose another --out/],
  ];
  await Promise.all(
    cases.map(async ([options, message], i) => {
      const out = options.includes('--out') ? [] : ['--out', outOf(`wrong-${i}`)];
      const { code, stderr } = await cli('goodput', trace, ...SLO, ...targets(V1, url), ...out, ...options);
      assert.match(stderr, message);
      assert.equal(code, 2, stderr);
      assert.ok(!existsSync(outOf(`wrong-${i}`)));
    }),
  );
});
