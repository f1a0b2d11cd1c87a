import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSystem, engineCatalogue, parseEngineSpec } from '../../src/engine/index.ts';

interface Named {
  readonly name: string;
  readonly source: string;
}

test('everything in the catalogue has a name of its own and a source', () => {
  const { systems, models, gpus, costs } = engineCatalogue();
  const parts: readonly (readonly Named[])[] = [systems, models, gpus, costs];
  for (const part of parts) {
    assert.ok(part.length > 0);
    assert.equal(new Set(part.map(({ name }) => name)).size, part.length);
    for (const { name, source } of part) assert.ok(source.length > 10, name);
  }
});

test('whatever the catalogue has is a value that specs take', () => {
  const { models, gpus, costs } = engineCatalogue();
  const options = new Map(describeSystem('vllm-v1').options.map(({ key, expected }) => [key, expected]));
  const names = (part: readonly Named[]): string => part.map(({ name }) => name).join(', ');
  assert.deepEqual(
    ['model', 'gpu', 'cost'].map((key) => options.get(key)),
    [names(models), names(gpus), names(costs)],
  );
  for (const { name, tp } of models)
    for (const degree of tp.filter((each) => each >= (name === 'llama-3.1-405b' ? 6 : 4)))
      parseEngineSpec(`model=${name},gpu=b200-sxm,tp=${degree}`);
});

test('a system has the options of its spec, with their values, ranges and sources', () => {
  for (const text of ['vllm-v1', 'vllm-v1,gpu=a100-sxm-80g,max_seqs=7']) {
    const { system, options } = describeSystem(text);
    assert.equal(system, 'vllm-v1');
    assert.deepEqual(Object.fromEntries(options.map(({ key, value }) => [key, value])), parseEngineSpec(text).options);
    for (const { key, about, expected, source } of options)
      assert.ok(about.length > 3 && expected.length > 3 && source.length > 3, key);
  }
});
