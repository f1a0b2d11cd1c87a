import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readRecords } from '../../src/runs/records.ts';
import { readScrapes } from '../../src/runs/read-scrapes.ts';
import { cli, startCli, temporaryFolder, type CliResult } from '../cli.ts';
import { ANSWERS, hostileServer, SAID } from '../hostile-server.ts';
import { KEY, keyIn } from '../key-codings.ts';
import { HTTP_PATHS } from '../../src/replay/transport.ts';
import { readRunFile } from '../written-files.ts';

const folder = temporaryFolder();
const trace = join(folder, 'trace.csv');
const REQUESTS = Object.keys(ANSWERS).length;
/** For what is asked before a run, and how a run ends. */
const FEW = ['--limit', '3'];
const ROWS = Array.from({ length: REQUESTS }, (_, i) => `${(i * 0.02).toFixed(2)},8,4`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${ROWS.join('\n')}\n`);

/** Runs a command with the key in its environment, and looks meanwhile at the arguments of every process. */
async function withKey(...args: readonly string[]): Promise<CliResult> {
  const { child, result } = startCli([...args, '--api-key-env', 'HOSTILE_KEY'], { HOSTILE_KEY: KEY });
  const seen = new Set<string>();
  const look = setInterval(() => argumentsWithKey().forEach((line) => seen.add(line)), 100);
  const { code, stdout, stderr } = await result;
  clearInterval(look);
  assert.ok(child.pid !== undefined);
  assert.deepEqual([...seen], [], 'in the list of processes');
  for (const text of [stdout, stderr]) assertHidden(text);
  return { code, stdout, stderr };
}

function run(target: string, name: string, ...options: readonly string[]): Promise<CliResult> {
  return withKey('run', trace, '--target', target, '--out', join(folder, name), ...options);
}

function argumentsWithKey(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return ''; // it has just ended
      }
    })
    .filter((line) => keyIn(line).length > 0);
}

function assertHidden(text: string): void {
  assert.deepEqual(keyIn(text), [], text.length < 4000 ? text : 'a long text');
  // oxlint-disable-next-line no-control-regex -- Nothing that a terminal obeys.
  assert.ok(!/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202E]/.test(text), JSON.stringify(text.slice(0, 500)));
}

/** In no file, and in no column of its Parquet files, whose texts are packed. */
async function assertNowhere(dir: string): Promise<void> {
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const file = join(dir, name);
    if (!statSync(file).isFile()) continue;
    assert.deepEqual(keyIn(readFileSync(file, 'latin1')), [], file);
  }
  for await (const batch of readRecords(dir))
    for (const { error, finish_reason } of batch) for (const text of [error, finish_reason]) assertHidden(text ?? '');
  for await (const { samples } of readScrapes(dir) ?? [])
    for (const { name, labels } of samples ?? []) assertHidden(name + labels);
}

describe('a server that sends the key back wherever it can', { timeout: 120_000 }, () => {
  for (const path of HTTP_PATHS)
    it(`in answers, headers, pages and metrics: it is in no file, no output and no list of processes, ${path}`, async () => {
      const server = await hostileServer();
      process.env['REPRISE_HTTP'] = path; // the command's too
      const { stderr } = await run(server.url, path, '--slo', 'ttft=1s');
      delete process.env['REPRISE_HTTP'];
      const dir = join(folder, path);
      assert.ok(server.hasKey());
      assert.match(stderr, /model tiny/);
      await assertNowhere(dir);
      let [count, quoted] = [0, 0];
      for await (const batch of readRecords(dir))
        for (const { error, finish_reason } of batch) {
          count++;
          if (`${error}${finish_reason}`.includes('***')) quoted++;
        }
      assert.equal(count, REQUESTS);
      // What was said besides the key is kept.
      assert.ok(quoted >= REQUESTS / 2, `${quoted} of ${REQUESTS}`);
      for (const format of ['text', 'csv']) assertHidden((await cli('report', dir, '--format', format)).stdout);
      await assertNowhere(dir);
      await server.close();
    });

  it('in the name of a model, which is then not asked for', async () => {
    const server = await hostileServer({ '/v1/models': { data: [{ id: `m ${SAID}` }] } });
    const { code, stderr } = await run(server.url, 'model');
    assert.equal(code, 3);
    assert.match(stderr, /lists a model whose name .* name the model with --model/);
    const named = await run(server.url, 'model', '--model', 'mine');
    assert.match(named.stderr, /--model: .* does not serve "mine"/);
    await server.close();
    const long = await hostileServer({
      '/v1/models': { data: [{ id: 'x'.repeat(1e6) }] },
      '/version': 'y'.repeat(1e6),
    });
    const listed = await run(long.url, 'long');
    assert.equal(listed.code, 3);
    assert.ok(listed.stderr.length < 2000, `${listed.stderr.length}`);
    await long.close();
  });

  it('on the pages that a probe, a tokenizer and a cache reset ask for', async () => {
    const server = await hostileServer({
      '/tokenize': { tokens: SAID, [KEY]: SAID },
      '/reset_prefix_cache': SAID,
      '/health': SAID,
    });
    const file = join(folder, 'probe.json');
    await withKey('probe', server.url, '--out', file, '--front-end', '1', '--load-time', '200ms');
    assertHidden(readFileSync(file, 'utf8'));
    const chat = await run(server.url, 'chat', '--endpoint', 'chat', '--tokenizer', 'server', ...FEW);
    assert.notEqual(chat.code, 0);
    const reset = await run(server.url, 'reset', '--reset-cache', ...FEW);
    assert.notEqual(reset.code, 70, reset.stderr);
    await server.close();
  });

  it('where the key is that of a query', async () => {
    const server = await hostileServer();
    const dir = join(folder, 'query');
    const target = `${server.url}/?key=${encodeURIComponent(KEY)}`;
    const { stdout, stderr } = await cli('run', trace, '--target', target, '--out', dir, ...FEW);
    assertHidden(stdout + stderr);
    await assertNowhere(dir);
    assert.equal(readRunFile(dir).workload.requests, 3);
    await server.close();
  });

  it('in the objects of DistServe, and in what a prefill server hands over', async () => {
    const server = await hostileServer();
    await run(server.url, 'generated', '--adapter', 'distserve', '--limit', '6');
    await assertNowhere(join(folder, 'generated'));
    await server.close();

    const reply = (kv: unknown): string =>
      JSON.stringify({ choices: [{ text: SAID }], kv_transfer_params: kv, usage: { prompt_tokens: SAID } });
    for (const [name, page] of Object.entries({
      handed: reply({ remote_engine_id: SAID, remote_block_ids: [1], [KEY]: SAID }),
      refused: JSON.stringify({ error: { message: SAID } }),
    })) {
      const prefill = await hostileServer({ '/v1/completions': page });
      const decode = await hostileServer();
      const dir = join(folder, name);
      const target = `prefill=${prefill.url},decode=${decode.url}`;
      const { code } = await run(target, name, '--handover', 'vllm', ...FEW);
      assert.notEqual(code, 70);
      if (existsSync(dir)) await assertNowhere(dir);
      await Promise.all([prefill.close(), decode.close()]);
    }
  });
});
