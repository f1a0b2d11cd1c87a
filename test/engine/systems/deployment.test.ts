import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { LLMS } from '../../../src/engine/models/llms.ts';
import { shardOf } from '../../../src/engine/models/tensor-parallel.ts';
import { kvBlocks, readDeployment } from '../../../src/engine/systems/deployment.ts';
import { OptionReader } from '../../../src/engine/systems/option-reader.ts';
import { shared } from '../../shared.ts';

function kvTokens(options: Readonly<Record<string, string | number>>): number {
  return 16 * kvBlocks(readDeployment(new OptionReader('test', options), { hostFixedUs: 0, hostPerSequenceUs: 0 }));
}

/** DistServe ran with 95 % of the memory; its runtime is not ours, so a tenth is near enough. */
const CAPACITIES = shared('profiles/simdistserve_max_num_tokens.csv');
test('KV memory is that of DistServe’s profile within a tenth', { skip: CAPACITIES.skip }, () => {
  let compared = 0;
  for (const line of readFileSync(CAPACITIES.path, 'utf8').trim().split('\n').slice(1)) {
    const [name = '', tp = '', pp = '', tokens = ''] = line.trim().split(',');
    const model = name.replace('facebook/', '');
    if (pp !== '1' || !['1', '2', '4', '8'].includes(tp) || model === 'opt-175b') continue;
    const ours = kvTokens({ model, gpu: 'a100-sxm-80g', tp, kv_fraction: 0.95 });
    assert.ok(Math.abs(ours / Number(tokens) - 1) < 0.1, `${model} tp ${tp}: ${ours}, published ${tokens}`);
    compared++;
  }
  assert.equal(compared, 7);
});

describe('a shard', () => {
  test('of fewer KV heads than GPUs has a copy of one', () => {
    const { queryHeads, kvHeads } = shardOf(LLMS['qwen2.5-3b'], 8);
    assert.deepEqual([queryHeads, kvHeads], [2, 1]);
  });

  test('leaves more than twice the KV memory where there are twice the GPUs', () => {
    const one = kvTokens({ model: 'opt-13b', gpu: 'a100-sxm-80g' });
    assert.ok(kvTokens({ model: 'opt-13b', gpu: 'a100-sxm-80g', tp: 2 }) > 2 * one);
  });
});
