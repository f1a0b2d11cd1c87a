import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sealed } from '../../../src/runs/seal.ts';
import { withFolder } from '../../../src/search/folder.ts';
import { goodputSchema, type GoodputReport } from '../../../src/schema/goodput.ts';
import { cli, startCli, temporaryFolder } from '../../cli.ts';
import { readRunFile } from '../../written-files.ts';

const folder = temporaryFolder();
const V1 = 'reference:vllm-v1,model=llama-3.1-8b,gpu=a100-sxm-80g';
const SLO = 'ttft=500ms,tpot=40ms';

/** 200 requests, one a second, of 1,000 tokens in and 100 out. */
const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 200 }, (_, i) => `${i + (i % 7) / 10},${800 + ((i * 37) % 400)},100`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

async function search(name: string, ...options: string[]): Promise<{ report: GoodputReport; text: string }> {
  const out = join(folder, name);
  const slo = options.includes('--slo') ? [] : ['--slo', SLO];
  const args = ['goodput', trace, '--target', V1, '--clock', 'virtual', ...slo, '--out', out, ...options];
  const { code, stdout, stderr } = await cli(...args);
  assert.equal(code, 0, stderr);
  return { report: goodputSchema.parse(JSON.parse(readFileSync(join(out, 'goodput.json'), 'utf8'))), text: stdout };
}

/** The share that meets the SLO in a run of its own. */
async function attainmentAt(rate: number): Promise<number> {
  const out = join(folder, `at-${rate}`);
  const args = ['run', trace, '--rate', String(rate), '--target', V1, '--clock', 'virtual', '--slo', SLO, '--out', out];
  const { stdout } = await cli(...args, '--json', '--quiet');
  return Number(JSON.parse(stdout).slo.attainment.joint);
}

describe('the goodput of a trace', { concurrency: 2 }, () => {
  it('is bracketed as narrowly as asked, and runs at both ends say the same', async () => {
    const { report, text } = await search('plain', '--precision', '3%');
    const [low, high] = report.bracket_rps;
    assert.ok(low !== null && high !== null && report.half_width !== null);
    assert.equal(report.state, 'bracketed');
    assert.ok(report.half_width <= 0.03 + 1e-9);
    assert.ok((await attainmentAt(low)) >= 0.9);
    assert.ok((await attainmentAt(high)) < 0.9);
    assert.match(text, /^● Carries [\d.]+ requests\/s, [\d.]+ times the trace, with 90 % meeting/);
    assert.equal(report.goodput_rps_per_gpu, report.goodput_rps);
  });

  it('is the same from a start that is too low or too high, within the bracket', async () => {
    const [low, high] = await Promise.all([search('low', '--rate', '0.5'), search('high', '--rate', '60')]);
    const inside = (a: GoodputReport, b: GoodputReport): boolean =>
      (a.bracket_rps[0] ?? 0) < (b.bracket_rps[1] ?? 0) && (b.bracket_rps[0] ?? 0) < (a.bracket_rps[1] ?? 0);
    assert.ok(inside(low.report, high.report));
  });

  it('answers several shares from the same runs', async () => {
    const { report } = await search('several', '--at', '0.9,0.5');
    assert.deepEqual(
      report.answers.map(({ at }) => at),
      [0.9, 0.5],
    );
    const [first, second] = report.answers;
    assert.ok((second?.goodput_rps ?? 0) >= (first?.goodput_rps ?? Infinity));
    assert.equal(new Set(report.probes.map(({ rate_rps }) => rate_rps)).size, report.probes.length);
  });

  it('keeps each run as a directory that can be repeated, and says what it was cut for', async () => {
    const { report } = await search('kept');
    for (const { dir, decided } of report.probes) {
      assert.ok(dir !== null);
      const manifest = readRunFile(join(folder, 'kept', dir));
      assert.equal(manifest.command[0], 'reprise');
      assert.ok(manifest.command.includes('--rate'));
      if (decided)
        assert.match(manifest.reason ?? '', /^decided: of 200 requests \d+ have met the SLO and \d+ missed it/);
    }
  });

  it('goes on after it was stopped, to the same bytes, and makes no finished run again', async () => {
    const whole = await search('whole');
    const out = join(folder, 'stopped');
    const args = ['goodput', trace, '--target', V1, '--clock', 'virtual', '--slo', SLO, '--out', out];
    const { child, result } = startCli(args);
    child.stderr?.on('data', (text: Buffer) => {
      if (text.toString().includes('run 3')) child.kill('SIGKILL');
    });
    await result;
    const before = readdirSync(join(out, 'probes')).toSorted();
    const made = new Map(before.map((name) => [name, statSync(join(out, 'probes', name, 'run.json')).mtimeMs]));
    assert.ok(before.length >= 2);
    const { report } = await search('stopped');
    assert.deepEqual(report, whole.report);
    const [first, second] = [...made].filter(([name]) => readRunFile(join(out, 'probes', name)).status !== 'running');
    for (const [name, mtime] of [first, second].filter((each) => each !== undefined))
      assert.equal(statSync(join(out, 'probes', name, 'run.json')).mtimeMs, mtime, name);
    assert.equal(
      readFileSync(join(out, 'goodput.json'), 'utf8'),
      readFileSync(join(folder, 'whole', 'goodput.json'), 'utf8'),
    );
  });

  it('says a bound where a limit is out of reach, or never reached, and exits with 0', async () => {
    const below = await search('below', '--slo', 'ttft=1ms');
    assert.equal(below.report.state, 'below');
    assert.match(
      below.text,
      /^✗ Carries less than [\d.]+ requests\/s, with .*: at no rate from [\d.]+ requests\/s down to that was it met/,
    );
    const above = await search('above', '--slo', 'ttft=10h');
    assert.equal(above.report.state, 'above');
    assert.match(above.text, /^● Carries at least [\d,.]+ requests\/s.*: the highest rate tried still met/);
  });

  it('ends with its budget, and says so', async () => {
    const { report, text } = await search('budget', '--budget', '250req');
    assert.equal(report.state, 'budget');
    assert.ok(report.requests_used < 450);
    assert.match(text, /highest rate tried still met|the budget ended after/);
  });

  it('tries no rate at which a warm-up would leave out more than half, and counts what it sends', async () => {
    const { report, text } = await search('warm', '--warmup', '40s', '--slo', 'ttft=100s');
    assert.deepEqual([report.state, report.bracket_rps[1]], ['above', null]);
    // The first at the trace's own rate, 199 s; at four times that the warm-up would be 40 s of 50.
    assert.equal(report.probes.length, 2);
    assert.deepEqual(
      report.probes.map(({ requests_used }) => requests_used),
      [200, 200],
    );
    assert.match(text, /2 runs of .* 400 requests in all, 2\.00 times the trace/);
    const again = await search('warm', '--warmup', '40s', '--slo', 'ttft=100s');
    assert.deepEqual(again.report, report);
  });

  it('asks the records again what its runs said, whatever their summaries say by then', async () => {
    const { report } = await search('summaries');
    const probes = join(folder, 'summaries', 'probes');
    const [first = '', second = '', third = ''] = readdirSync(probes).map((name) => join(probes, name, 'summary.json'));
    const summary = readFileSync(first, 'utf8');
    const edited = summary.replace(/("joint": )[\d.]+/, '$10.5');
    assert.notEqual(edited, summary);
    writeFileSync(first, edited);
    writeFileSync(second, summary.slice(0, 500));
    rmSync(third);
    assert.deepEqual((await search('summaries')).report, report);
    assert.equal(readFileSync(first, 'utf8'), summary);
  });

  it('goes on for another share without taking runs that were cut for the first for its own', async () => {
    const whole = await search('nine', '--at', '0.9');
    await search('five', '--at', '0.5');
    const { report } = await search('five', '--at', '0.9');
    assert.deepEqual(report.bracket_rps, whole.report.bracket_rps);
    assert.ok(report.probes.every(({ met, missed }) => met >= 180 || missed > 20));
  });

  it('takes no run that was measured otherwise, none that goes on, and what a kill left for nothing', async () => {
    await search('otherwise', '--budget', '1req');
    const probe = join(folder, 'otherwise', 'probes', '0.998495rps');
    const again = ['goodput', trace, '--target', V1, '--clock', 'virtual', '--slo', SLO, '--budget', '1req'];
    const go = (...more: string[]): ReturnType<typeof cli> =>
      cli(...again, '--out', join(folder, 'otherwise'), ...more);
    for (const [option, value] of [
      ['--warmup', '10s'],
      ['--max-in-flight', '10'],
      ['--timeout', '5s'],
    ] as const) {
      const { code, stderr } = await go(option, value);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`this run is of another search \\(other ${option}`));
    }
    const manifest = join(probe, 'run.json');
    const running = { ...JSON.parse(readFileSync(manifest, 'utf8')), status: 'running' };
    writeFileSync(manifest, JSON.stringify(sealed(running)));
    assert.match((await withFolder(probe, go)).stderr, /this run still goes on/);
    rmSync(probe, { recursive: true });
    mkdirSync(join(probe, 'requests'), { recursive: true });
    assert.equal((await go()).code, 0);
  });

  it('says that its budget ended where there is only a bound, and that nothing is known', async () => {
    assert.match((await search('one', '--budget', '1req')).text, /still met; the budget ended after/);
    const { report } = await search('no-run', '--budget', '0req');
    assert.deepEqual(report.bracket_rps, [null, null]);
    assert.match(
      readFileSync(join(folder, 'no-run', 'goodput.html'), 'utf8'),
      /Nothing is known of a rate with 90.% meeting .* the budget is too small/,
    );
  });

  it('settles nothing by a server that ends in the middle: exit code 3, and that run is made again', async () => {
    // It lists a model, refuses what it is asked beforehand, and ends at the first request of the replay, after its metrics.
    let hasBegun = false;
    const server = createServer((request, response) => {
      if (request.url === '/metrics') hasBegun = true;
      if (request.method === 'POST' && hasBegun) {
        server.close();
        server.closeAllConnections();
        return;
      }
      const isList = request.url === '/v1/models';
      response.writeHead(isList ? 200 : 503).end(isList ? '{"data":[{"id":"m"}]}' : 'busy');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const out = join(folder, 'ended');
    const url = `http://127.0.0.1:${address.port}`;
    const { code, stderr } = await cli('goodput', trace, '--target', url, '--rate', '200', '--slo', SLO, '--out', out);
    assert.equal(code, 3, stderr);
    const [only, ...others] = readdirSync(join(out, 'probes'));
    assert.deepEqual([only, others], ['200rps', []]);
    assert.equal(readRunFile(join(out, 'probes', '200rps')).status, 'failed');
    assert.doesNotMatch(stderr, /run 2/);
  });

  it('never writes over the runs of another search', async () => {
    await search('taken');
    const args = ['goodput', trace, '--target', V1.replace('a100-sxm-80g', 'h100-sxm'), '--clock', 'virtual'];
    const other = await cli(...args, '--slo', SLO, '--out', join(folder, 'taken'));
    assert.equal(other.code, 2);
    assert.match(other.stderr, /this run is of another search .*choose another --out/);
    const occupied = await cli(...args, '--slo', SLO, '--out', folder);
    assert.equal(occupied.code, 2);
    rmSync(join(folder, 'taken'), { recursive: true });
  });
});
