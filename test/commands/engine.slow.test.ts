import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { cli, startCli, temporaryFolder } from '../cli.ts';

test('engine list shows what the engine can be, for people and for machines', async () => {
  const [text, json] = await Promise.all([cli('engine', 'list'), cli('engine', 'list', '--json')]);
  assert.deepEqual([text.code, json.code, text.stderr, json.stderr], [0, 0, '', '']);
  const catalogue = JSON.parse(json.stdout);
  for (const part of ['systems', 'models', 'gpus', 'costs'])
    for (const { name, source } of catalogue[part]) {
      assert.ok(text.stdout.includes(`\n  ${name} `), name);
      assert.ok(text.stdout.includes(source), source);
    }
});

test('engine list --system shows options as they are set', async () => {
  const [text, json] = await Promise.all([
    cli('engine', 'list', '--system', 'vllm-v1,gpu=a100-sxm-80g'),
    cli('engine', 'list', '--system', 'vllm-v1', '--json'),
  ]);
  assert.match(text.stdout, /\n {2}token_budget=2048 +tokens that an iteration .*\(vLLM 0\.32, max_num_batched_tokens/);
  const budget = JSON.parse(json.stdout).options.find((option: { key: string }) => option.key === 'token_budget');
  assert.equal(budget.value, 8192);
});

test('engine list of a system that is not known', async () => {
  const { code, stderr } = await cli('engine', 'list', '--system', 'vlm-v1');
  assert.equal(code, 2);
  assert.match(stderr, /did you mean "vllm-v1"/);
});

test('engine serve can be ended as soon as it says where it listens', async () => {
  const { child, result } = startCli(['engine', 'serve', '--port', '0']);
  child.stdout?.once('data', () => child.kill('SIGTERM'));
  assert.equal((await result).code, 143);
});

test('engine serve tells its parent where prompts and decodes go', async () => {
  const ports = ['--port', '0', '--decode-port', '0', '--quiet'];
  const child = spawn(process.execPath, ['src/cli.ts', 'engine', 'serve', '--system', 'vllm-pd', ...ports], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [message] = await once(child, 'message');
  const { url, decodeUrl } = z.object({ url: z.url(), decodeUrl: z.url() }).parse(message);
  assert.notEqual(url, decodeUrl);
  for (const each of [url, decodeUrl]) assert.equal((await fetch(`${each}/health`)).status, 200);
  child.disconnect();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a table of measured times names what it leaves out, in the list and in a run, and its hash is in the manifest', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'times.csv');
  const rows = ['prefill,1,100,10', 'prefill,1,1000,100', 'prefill,1,2000,30', 'decode,1,100,5'];
  writeFileSync(path, ['phase,sequences,total_tokens,time_ms', ...rows].join('\n'));
  const system = `vllm-v1,cost=${path},noise=0.03`;
  const out = join(folder, 'run');
  const run = ['run', 'chat', '--clock', 'virtual', '--limit', '20', '--target', `reference:${system}`, '--out', out];
  const [list, text] = await Promise.all([cli('engine', 'list', '--system', system), cli(...run)]);
  const warning = /warning: .*times\.csv:4: prefill of 2000 tokens in a batch of 1 is left out as an outlier: 30\.0 ms/;
  assert.match(list.stdout, warning);
  assert.match(text.stderr, warning);
  assert.equal(text.code, 0);
  const { facts } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')).target;
  assert.deepEqual(
    [facts.cost, facts.cost_sha256, facts.noise],
    [path, createHash('sha256').update(readFileSync(path)).digest('hex'), 0.03],
  );
});
