import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cli } from '../cli.ts';

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
  assert.match(text.stdout, /\n {2}token_budget=2048 +tokens that an iteration .*\(vLLM, max_num_batched_tokens/);
  const budget = JSON.parse(json.stdout).options.find((option: { key: string }) => option.key === 'token_budget');
  assert.equal(budget.value, 8192);
});

test('engine list of a system that is not known', async () => {
  const { code, stderr } = await cli('engine', 'list', '--system', 'vlm-v1');
  assert.equal(code, 2);
  assert.match(stderr, /did you mean "vllm-v1"/);
});
