import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { cli, readJson, startCli, temporaryFolder } from '../cli.ts';
import { shared } from '../shared.ts';

const folder = temporaryFolder();
const SLO = ['--slo', 'ttft=500ms,tpot=50ms'];

/** Rows at a steady rate, as a plain CSV. */
function trace(name: string, requests: number, everyS: number, outputTokens: number): string {
  const rows = Array.from(
    { length: requests },
    (_, i) => `${(i * everyS).toFixed(6)},${50 + (i % 7) * 30},${outputTokens}`,
  );
  const path = join(folder, name);
  writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
  return path;
}

async function query(sql: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create()).connect();
  const reader = await connection.runAndReadAll(sql);
  connection.closeSync();
  return reader.getRows().flat();
}

describe('reprise run', () => {
  it('in virtual time gives the same records for the same seed, readable by DuckDB', async () => {
    const path = trace('virtual.csv', 500, 0.05, 20);
    const [first, second] = await Promise.all(
      ['v1', 'v2'].map((name) => cli('run', path, '--clock', 'virtual', ...SLO, '--out', join(folder, name))),
    );
    assert.equal(first?.code, 0, first?.stderr);
    assert.equal(second?.code, 0);
    const summary = readJson(folder, 'v1', 'summary.json');
    assert.equal(typeof summary['records_sha256'], 'string');
    assert.equal(summary['records_sha256'], readJson(folder, 'v2', 'summary.json')['records_sha256']);
    const rows = await query(
      `select count(*)::int, sum(len(token_times_us))::int, count(distinct request_id)::int from '${folder}/v1/requests/*.parquet'`,
    );
    assert.deepEqual(rows, [500, 10_000, 500]);
    assert.match(first?.stdout ?? '', /report: .*report\.html/);
    assert.match(readFileSync(join(folder, 'v1', 'report.html'), 'utf8'), /^<!doctype html>/i);
    assert.deepEqual(readdirSync(join(folder, 'v1')).sort(), [
      'report.html',
      'requests',
      'run.json',
      'server.parquet',
      'summary.json',
      'summary.md',
    ]);
  });

  it('over HTTP on the wall clock: every request ok with exactly its tokens, as in virtual time', async () => {
    const path = trace('real.csv', 60, 0.05, 12);
    const result = await cli('run', path, ...SLO, '--out', join(folder, 'real'), '--json');
    assert.equal(result.code, 0, result.stderr);
    const summary: unknown = JSON.parse(result.stdout);
    assert.deepEqual(summary, readJson(folder, 'real', 'summary.json'));
    const rows = await query(
      `select count(*)::int, count(*) filter (outcome = 'ok' and output_tokens = 12 and len(token_times_us) = 12 and input_tokens = input_tokens_planned)::int from '${folder}/real/requests/*.parquet'`,
    );
    assert.deepEqual(rows, [60, 60]);
    const health = await query(
      `select count(*)::int, max(sent)::int, max(tokens)::int, bool_and(cpu_us > 0 and rss_bytes > 0) from '${folder}/real/client.parquet'`,
    );
    assert.ok(Number(health[0]) >= 3, `${String(health[0])} seconds`);
    assert.deepEqual(health.slice(1), [60, 720, true]);
    await cli('run', path, ...SLO, '--clock', 'virtual', '--out', join(folder, 'same'));
    const ttft = `median(first_token_us - due_us)::int`;
    const [real, virtual] = await query(
      `select ${ttft} from '${folder}/real/requests/*.parquet' union all select ${ttft} from '${folder}/same/requests/*.parquet'`,
    );
    assert.ok(
      typeof real === 'number' && typeof virtual === 'number' && Math.abs(real - virtual) < 5000,
      `${String(real)} us against ${String(virtual)} us`,
    );
  });

  it('cuts, speeds up and limits, and says so in run.json', async () => {
    const path = trace('cut.csv', 100, 0.1, 3);
    const result = await cli(
      'run',
      path,
      '--clock',
      'virtual',
      '--window',
      '2s..6s',
      '--speed',
      '4',
      '--limit',
      '30',
      '--out',
      join(folder, 'cut'),
    );
    assert.equal(result.code, 0, result.stderr);
    const [rows, first, last] = await query(
      `select count(*)::int, min(due_us)::int, max(due_us)::int from '${folder}/cut/requests/*.parquet'`,
    );
    assert.deepEqual([rows, first, last], [30, 0, 725_000]);
    const workload = readJson(folder, 'cut', 'run.json')['workload'];
    assert.ok(typeof workload === 'object' && workload !== null && 'transforms' in workload);
    assert.deepEqual(workload.transforms, [
      { op: 'window', args: { from_us: 2e6, to_us: 6e6 } },
      { op: 'limit', args: { requests: 30 } },
      { op: 'speed', args: { factor: 4 } },
    ]);
  });

  it('gives the requests of a limit the rate that was asked for, whatever follows them', async () => {
    const path = join(folder, 'slowing.csv');
    const rows = Array.from({ length: 60 }, (_, i) => `${i < 21 ? i * 0.1 : 2 + (i - 20) * 10},10,2`);
    writeFileSync(path, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
    const out = join(folder, 'slowing');
    const result = await cli('run', path, '--clock', 'virtual', '--limit', '21', '--rate', '5', '--out', out);
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(
      await query(`select max(due_us)::int, count(*)::int from '${out}/requests/*.parquet'`),
      [4_000_000, 21],
    );
  });

  it('replays a Mooncake trace at another rate with shorter prompts and answers, and says what that did', async () => {
    const path = join(folder, 'mooncake.jsonl');
    const rows = Array.from({ length: 50 }, (_, i) =>
      JSON.stringify({ timestamp: i * 200, input_length: 900 + i, output_length: 9, hash_ids: [0, i + 1] }),
    );
    writeFileSync(path, rows.join('\n'));
    const out = join(folder, 'mooncake');
    const cuts = ['--rate', '10', '--clip-input', '600', '--clip-output', '4', '--limit', '40'];
    const result = await cli('run', path, '--clock', 'virtual', ...cuts, '--out', out);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /--rate 10: time runs 2\.00 times as fast/);
    assert.equal(result.stderr.match(/--rate 10/g)?.length, 1);
    const found = await query(
      `select max(due_us)::int, max(input_tokens_planned), max(output_tokens_planned), count(*)::int from '${out}/requests/*.parquet'`,
    );
    assert.deepEqual(found, [3_900_000, 600, 4, 40]);
    const { workload } = readJson(out, 'run.json');
    assert.ok(typeof workload === 'object' && workload !== null && 'block_tokens' in workload);
    assert.equal(workload.block_tokens, 512);
  });

  it('replays a warm-up and a cool-down, and leaves them out of every figure', async () => {
    const path = trace('warm.csv', 200, 0.05, 5);
    const [plain, warm] = await Promise.all(
      [
        ['whole', []] as const,
        ['warm', ['--speed', '2', '--warmup', '1s', '--cooldown', '500ms', '--slo', 'ttft=500ms,tpot=50ms']] as const,
      ].map(([name, options]) => cli('run', path, '--clock', 'virtual', ...options, '--out', join(folder, name))),
    );
    assert.equal(plain?.code, 0, plain?.stderr);
    assert.equal(warm?.code, 0, warm?.stderr);
    // Every 25 ms to 4.975 s: measured from 1 s to 4.475 s, both ends in.
    const bounds = await query(
      `select count(*)::int, min(due_us)::int, max(due_us)::int from '${folder}/warm/requests/*.parquet' where measured`,
    );
    assert.deepEqual(bounds, [140, 1_000_000, 4_475_000]);
    const summary = readJson(folder, 'warm', 'summary.json');
    assert.deepEqual(summary['requests'], {
      scheduled: 140,
      sent: 140,
      ok: 140,
      failed: 0,
      stopped: 0,
      stopped_in_flight: 0,
      by_outcome: { ok: 140 },
      failures: [],
    });
    assert.match(
      warm?.stdout ?? '',
      /^Left out of the figures: 40 requests of the first 1 s \(warm-up\) and 20 requests of the last 0\.5 s \(cool-down\); 140 measured$/m,
    );
    const page = readFileSync(join(folder, 'warm', 'report.html'), 'utf8');
    for (const said of [
      'requests due from 1 s to 4.47 s (warm-up 1 s, cool-down 0.5 s)',
      'Shaded: warm-up and cool-down, not measured',
    ])
      assert.ok(page.includes(said), said);
    assert.equal((await cli('report', join(folder, 'warm'))).code, 0);
    assert.deepEqual(readJson(folder, 'warm', 'summary.json'), summary, 'reporting again changes nothing');
    const two = await cli('report', join(folder, 'warm'), join(folder, 'warm'), '--json');
    assert.deepEqual(JSON.parse(two.stdout), [summary, summary]);
    assert.doesNotMatch(plain?.stdout ?? '', /Left out/);
  });

  it('judges by a published SLO, and again by another without running', async () => {
    const list = await cli('run', '--slo', 'list');
    assert.equal(list.code, 0, list.stderr);
    assert.match(list.stdout, /^ {2}distserve-osdi-code-opt-66b +TTFT <= 125 ms and TPOT <= 200 ms +OPT-66B /m);

    const path = trace('profile.csv', 40, 0.05, 5);
    const out = join(folder, 'profile');
    const name = 'distserve-osdi-chat-opt-66b-artifact';
    const first = await cli('run', path, '--clock', 'virtual', '--slo', name, '--out', out);
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stdout,
      new RegExp(`^SLO +${name}: TTFT <= 400 ms and TPOT <= 100 ms \\(DistServe, artifact`, 'm'),
    );
    const page = (): string => readFileSync(join(out, 'report.html'), 'utf8');
    assert.ok(page().includes(`${name}: TTFT &lt;= 400 ms and TPOT &lt;= 100 ms (DistServe, artifact`));
    const limits = (file = 'summary.json'): unknown => {
      const slo = readJson(out, file)['slo'];
      return typeof slo === 'object' && slo !== null && 'limits_ms' in slo ? slo.limits_ms : null;
    };
    assert.deepEqual(limits(), { ttft: 400, tpot: 100 });

    const manifest = readFileSync(join(out, 'run.json'), 'utf8');
    const again = await cli('report', out, '--slo', 'ttft=1us');
    assert.match(again.stdout, /^. 0 % of requests met TTFT <= 1 us/);
    assert.match(again.stdout, new RegExp(`^SLO +ttft=1us, in place of the run's: ${name}$`, 'm'));
    assert.match(again.stdout, /report-ttft-1us-at-90\.html$/m);
    assert.deepEqual(limits('summary-ttft-1us-at-90.json'), { ttft: 0.001 });
    assert.equal(readFileSync(join(out, 'run.json'), 'utf8'), manifest, 'what was run is not written over');
    assert.deepEqual(limits(), { ttft: 400, tpot: 100 }, 'nor is its own summary');
  });

  it('sorts a trace that is out of order and still says what was left out and what a rate did', async () => {
    const path = join(folder, 'disorder.csv');
    writeFileSync(path, 'arrival_s,input_tokens,output_tokens\n0,10,2\n4,10,2\nsoon,10,2\n1,10,2\n8,10,2\n');
    const out = join(folder, 'disorder');
    const result = await cli('run', path, '--clock', 'virtual', '--rate', '3', '--on-bad-row', 'skip', '--out', out);
    assert.equal(result.code, 0, result.stderr);
    for (const said of [/disorder\.csv:5: not_sorted/, /1 rows could not be read/, /--rate 3: .* 8\.00 times as fast/])
      assert.equal(result.stderr.split('\n').filter((line) => said.test(line)).length, 1, result.stderr);
  });

  it('keeps secrets out of every file', async () => {
    const path = trace('secret.csv', 5, 0.01, 2);
    const out = join(folder, 'secret');
    const { result } = startCli(
      [
        'run',
        path,
        '--header',
        'X-Token: hunter2',
        '--header=X-More: hunter2',
        '--api-key-env',
        'REPRISE_TEST_KEY',
        '--out',
        out,
        '--quiet',
      ],
      { REPRISE_TEST_KEY: 'hunter2' },
    );
    const { code, stdout, stderr } = await result;
    assert.equal(code, 0, stderr);
    for (const text of [
      stdout,
      stderr,
      ...['run.json', 'summary.json', 'report.html'].map((name) => readFileSync(join(out, name), 'utf8')),
    ])
      assert.ok(!text.includes('hunter2'));
  });

  const azure = shared('traces/AzureLLMInferenceTrace_conv.csv');
  it('inspects the public Azure trace', { skip: azure.skip }, async () => {
    const result = await cli('trace', 'inspect', azure.path, '--json');
    assert.equal(result.code, 0, result.stderr);
    const found: unknown = JSON.parse(result.stdout);
    assert.ok(
      typeof found === 'object' && found !== null && 'rows' in found && 'bad_rows' in found && 'iat_cv' in found,
    );
    assert.deepEqual([found.rows, found.bad_rows, Math.round(Number(found.iat_cv) * 1e4)], [19366, 0, 10942]);
  });
});
