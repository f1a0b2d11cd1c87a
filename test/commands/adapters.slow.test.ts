import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { serveEngine, type DIALECT_NAMES } from '../../src/engine/server/index.ts';
import { cli, readJson, startCli, temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();
const closing: (() => unknown)[] = [];
after(() => Promise.all(closing.map((close) => close())));

const trace = join(folder, 'trace.csv');
const rows = Array.from({ length: 20 }, (_, i) => `${(i * 0.02).toFixed(2)},${40 + i},6`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);

async function engine(dialect: (typeof DIALECT_NAMES)[number], options = 'max_model_len=2000'): Promise<string> {
  const server = await serveEngine(parseEngineSpec(options), { host: '127.0.0.1', port: 0, dialect });
  closing.push(() => server.close());
  return server.url;
}

/** The outcomes of a run's records: [requests, ok with exactly their tokens, how they were counted]. */
async function records(out: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create()).connect();
  const exact = 'output_tokens = 6 and len(token_times_us) = 6';
  const found = await connection.runAndReadAll(
    `select count(*)::int, count(*) filter (outcome = 'ok' and ${exact})::int, min(token_count_source), max(token_count_source) from '${out}/requests/*.parquet'`,
  );
  return found.getRows()[0] ?? [];
}

describe('run --adapter auto', { concurrency: 2 }, () => {
  const cases = [
    [
      'vllm',
      [],
      'vllm',
      'completions',
      'token_ids',
      /\/: reprise reference engine, model llama-3\.1-8b \(context 2,000 tokens\), --endpoint completions; tokens are counted by the token ids of each chunk/,
    ],
    ['vllm', ['--endpoint', 'chat'], 'vllm', 'chat', 'token_ids', /--endpoint chat/],
    ['sglang', [], 'sglang', 'generate', 'usage', /--endpoint generate; tokens are counted by the usage in each chunk/],
    [
      'openai',
      [],
      'openai',
      'completions',
      'chunks',
      /as one a chunk \(chunks tell neither ids nor usage\), settled by the usage at the end[\s\S]*does not know ignore_eos/,
    ],
  ] as const;
  for (const [dialect, options, adapter, endpoint, countedBy, says] of cases)
    it(`a ${dialect} server ${options.join(' ')}: every request with exactly its tokens, and what was found in run.json`, async () => {
      const out = join(folder, `${dialect}-${endpoint}`);
      const result = await cli('run', trace, '--target', await engine(dialect), '--out', out, ...options);
      assert.equal(result.code, 0, result.stderr);
      assert.match(result.stderr, says);
      const settledBy = countedBy === 'chunks' ? 'usage' : countedBy;
      assert.deepEqual(await records(out), [20, 20, settledBy, settledBy]);
      const { target } = readJson(out, 'run.json');
      assert.ok(typeof target === 'object' && target !== null && 'facts' in target && 'adapter' in target);
      assert.ok(typeof target.facts === 'object' && target.facts !== null);
      const {
        engine: name,
        endpoint: used,
        counted_by,
        context_tokens,
      } = { engine: null, endpoint: null, counted_by: null, context_tokens: null, ...target.facts };
      assert.deepEqual(
        [target.adapter, name, used, counted_by, context_tokens],
        [adapter, 'reprise', endpoint, countedBy, 2000],
      );
    });

  it('the bundled engine speaks as it is asked to', async () => {
    const out = join(folder, 'bundled');
    const result = await cli('run', trace, '--endpoint', 'generate', '--out', out, '--quiet');
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(await records(out), [20, 20, 'usage', 'usage']);
    assert.match(JSON.stringify(readJson(out, 'run.json')['target']), /"adapter":"sglang"/);
  });

  it('a plan that exceeds the context is named with its row and the way out, before anything is sent', async () => {
    const out = join(folder, 'context');
    const url = await engine('vllm', 'max_model_len=60');
    const result = await cli('run', trace, '--target', url, '--out', out);
    assert.equal(result.code, 2, result.stderr);
    assert.match(
      result.stderr,
      /trace\.csv:21: request \S+ has 59 input and 6 output tokens, 65 in all, and the context of llama-3\.1-8b is 60 tokens; cut the prompts with --clip-input 54/,
    );
    assert.equal(existsSync(out), false);
    assert.equal((await cli('run', trace, '--target', url, '--out', out, '--clip-input', '54', '--quiet')).code, 0);
  });

  it('an endpoint that the adapter does not speak is named, before or after the server was asked', async () => {
    const named = await cli(
      'run',
      trace,
      '--target',
      'http://127.0.0.1:9',
      '--adapter',
      'vllm',
      '--endpoint',
      'generate',
    );
    assert.deepEqual(
      [named.code, /adapter vllm speaks completions or chat/.test(named.stderr)],
      [2, true],
      named.stderr,
    );
    const found = await cli('run', trace, '--target', await engine('openai'), '--endpoint', 'generate');
    assert.deepEqual(
      [found.code, /adapter openai speaks completions or chat/.test(found.stderr)],
      [2, true],
      found.stderr,
    );
  });
});

describe('engine --dialect', () => {
  it('serves what was asked for, and names what there is', async () => {
    const { child, result } = startCli(['engine', 'serve', '--dialect', 'sglang', '--port', '0']);
    const url = await new Promise<string>((resolve) =>
      child.stdout?.on('data', (text: Buffer) => resolve(/listening on (\S+)/.exec(text.toString())?.[1] ?? '')),
    );
    assert.equal((await fetch(`${url}/get_model_info`)).status, 200);
    child.kill('SIGTERM');
    assert.equal((await result).code, 143);
    const unknown = await cli('engine', 'serve', '--dialect', 'vlm');
    assert.deepEqual(
      [unknown.code, /--dialect: got "vlm", expected vllm, sglang, openai/.test(unknown.stderr)],
      [2, true],
    );
  });
});
