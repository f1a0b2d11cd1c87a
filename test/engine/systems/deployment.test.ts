import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Batch } from '../../../src/engine/cost/batch.ts';
import { LLMS } from '../../../src/engine/models/llms.ts';
import { shardOf } from '../../../src/engine/models/tensor-parallel.ts';
import { costModel, readDeployment } from '../../../src/engine/systems/deployment.ts';
import { kvBlocks } from '../../../src/engine/systems/fit.ts';
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
    if (!['1', '2', '4', '8'].includes(tp) || model === 'opt-175b') continue;
    const ours = kvTokens({ model, gpu: 'a100-sxm-80g', tp, pp, kv_fraction: 0.95 });
    assert.ok(Math.abs(ours / Number(tokens) - 1) < 0.1, `${model} tp ${tp} pp ${pp}: ${ours}, published ${tokens}`);
    compared++;
  }
  assert.equal(compared, 35);
});

describe('times', () => {
  const host = { hostFixedUs: 1000, hostPerSequenceUs: 10 };
  const timesUs = (options: Readonly<Record<string, string | number>>): number[] => {
    const cost = costModel(readDeployment(new OptionReader('test', options), host), '0');
    const batch = new Batch();
    batch.addDecode(500);
    return [cost.timeUs(batch), cost.timeUs(batch)];
  };
  const [plain = 0] = timesUs({});

  test('have the overhead of the system, or that of its options', () => {
    const [first = 0] = timesUs({ host_fixed_us: 3000, host_per_sequence_us: 0 });
    assert.ok(Math.abs(first - plain - (3000 - 1010)) < 1e-6);
  });

  test('of a whole engine have its own overhead, and more only where it is asked for', () => {
    const opt = { model: 'opt-13b', gpu: 'a100-sxm-80g', cost: 'distserve' };
    const [none = 0] = timesUs(opt);
    const [more = 0] = timesUs({ ...opt, host_fixed_us: 300, host_per_sequence_us: 7 });
    assert.ok(Math.abs(more - none - 307) < 1e-6);
    assert.ok(Math.abs(none - (19.93470262 + 0.00062694 * 500 + 0.03850698 + 2 + 0.0499) * 1000) < 1);
  });

  test('are asked for a share of the GPU through overhead and noise', () => {
    const fitted = { model: 'opt-13b', gpu: 'a100-sxm-80g', cost: 'distserve' };
    const batch = new Batch();
    batch.addDecode(500);
    const sharesUs = (options: Readonly<Record<string, string | number>>): number[] => {
      const cost = costModel(readDeployment(new OptionReader('test', { ...fitted, ...options }), host), '0');
      return [cost.timeUs(batch, 1), cost.timeUs(batch, 0.5)];
    };
    const [wholeUs = 0, halfUs = 0] = sharesUs({});
    assert.equal(halfUs, wholeUs); // a decode: half of the GPU has its whole bandwidth
    assert.ok(Math.abs((sharesUs({ host_fixed_us: 300 })[1] ?? 0) - halfUs - 300) < 1e-6);
    const [noisyUs = 0, noisyHalfUs = 0] = sharesUs({ run_noise: 0.03 });
    assert.ok(Math.abs(noisyHalfUs / noisyUs - 1) < 1e-12 && noisyUs !== wholeUs);
  });

  test('have noise where it is asked for, by its seed', () => {
    assert.deepEqual(timesUs({}), [plain, plain]);
    const noisy = timesUs({ noise: 0.03 });
    assert.deepEqual(timesUs({ noise: 0.03 }), noisy);
    assert.notEqual(noisy[0], noisy[1]);
    assert.notDeepEqual(timesUs({ noise: 0.03, seed: 2 }), noisy);
    const [first, second] = timesUs({ run_noise: 0.03 });
    assert.equal(first, second);
    assert.notEqual(first, plain);
  });
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
