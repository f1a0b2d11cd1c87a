import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { VirtualClock } from '../../src/core/virtual-clock.ts';
import { createEngine, parseEngineSpec } from '../../src/engine/spec.ts';

const DEFAULTS = {
  system: 'vllm-v1',
  options: {
    version: '0.32',
    async: 'on',
    model: 'llama-3.1-8b',
    gpu: 'h100-sxm',
    tp: 1,
    pp: 1,
    cost: 'roofline',
    host_fixed_us: 1200,
    host_per_sequence_us: 8,
    noise: 0,
    run_noise: 0,
    seed: 1,
    block_tokens: 16,
    kv_fraction: 0.92,
    kv_tokens: 0,
    mixed_batch_penalty: 1,
    max_model_len: 131072,
    instances: 1,
    router: 'round-robin',
    token_budget: 8192,
    max_seqs: 1024,
    prefix_caching: 'on',
  },
  warnings: [],
};

describe('what is left out takes its default', () => {
  for (const text of [
    '',
    '  ',
    'vllm-v1',
    'model=llama-3.1-8b',
    'vllm-v1,gpu=h100-sxm',
    'vllm-v1, model=llama-3.1-8b , gpu=h100-sxm',
  ])
    test(`"${text}"`, () => assert.deepEqual(parseEngineSpec(text), DEFAULTS));

  test('defaults follow the device, as in vLLM', () => {
    const limitsOf = (text: string): unknown[] => {
      const { options } = parseEngineSpec(text);
      return [options['token_budget'], options['max_seqs']];
    };
    assert.deepEqual(limitsOf('gpu=a100-sxm-80g'), [2048, 256]);
    assert.deepEqual(limitsOf('gpu=b200-sxm'), [16_384, 1024]);
    assert.deepEqual(limitsOf('gpu=b200-sxm,version=0.10'), [8192, 1024]);
    assert.deepEqual(limitsOf('token_budget=64'), [64, 64]);
  });

  test('defaults follow the version', () => {
    const { options } = parseEngineSpec('version=0.10');
    assert.deepEqual([options['async'], options['kv_fraction']], ['off', 0.9]);
  });
});

test('every option can be given, and a spec survives JSON', () => {
  const text =
    'vllm-v1,version=0.10,async=on,model=llama-3.1-8b,gpu=a100-sxm-80g,tp=1,cost=roofline,host_fixed_us=0,host_per_sequence_us=2.5,noise=0.03,run_noise=0.02,seed=9,token_budget=512,max_seqs=8,block_tokens=32,kv_fraction=0.5,mixed_batch_penalty=1.7,max_model_len=4096,prefix_caching=off';
  const spec = parseEngineSpec(text);
  assert.deepEqual(spec.options, {
    version: '0.10',
    async: 'on',
    model: 'llama-3.1-8b',
    gpu: 'a100-sxm-80g',
    tp: 1,
    pp: 1,
    cost: 'roofline',
    host_fixed_us: 0,
    host_per_sequence_us: 2.5,
    noise: 0.03,
    run_noise: 0.02,
    seed: 9,
    token_budget: 512,
    max_seqs: 8,
    prefix_caching: 'off',
    block_tokens: 32,
    kv_fraction: 0.5,
    kv_tokens: 0,
    mixed_batch_penalty: 1.7,
    max_model_len: 4096,
    instances: 1,
    router: 'round-robin',
  });
  const engine = createEngine(JSON.parse(JSON.stringify(spec)), { clock: new VirtualClock() });
  assert.equal(engine.maxModelLen, 4096);
  // (0.5 x 80 GiB - 16.06 GB of weights - 3.5 GB) / (32 x 131,072 bytes)
  assert.equal(engine.load().capacityBlocks, 5576);
});

test('KV tokens can be given, whether they fit or not; a block is used whole', () => {
  const engine = createEngine(parseEngineSpec('kv_fraction=0.1,kv_tokens=10000,block_tokens=64'), {
    clock: new VirtualClock(),
  });
  assert.equal(engine.load().capacityBlocks, 156);
});

describe('mistakes name the way out', () => {
  const cases: readonly (readonly [text: string, message: RegExp])[] = [
    ['vlm-v1', /system "vlm-v1" is not known; did you mean "vllm-v1"\?/],
    ['toString', /system "toString" is not known/],
    ['vllm-v1,modle=llama-3.1-8b', /"modle" is not an option of vllm-v1; did you mean "model"\?/],
    ['model=llama-3.1-80b', /model "llama-3.1-80b" is not known; did you mean "llama-3.1-8b"\?/],
    ['gpu=h100', /gpu "h100" is not known; did you mean "h100-sxm" or "h100-pcie"\?/],
    ['gpu=constructor', /gpu "constructor" is not known/],
    ['token_budget=0', /token_budget=0 is not a whole number from 1 to/],
    ['token_budget=1.5', /token_budget=1\.5 is not a whole number/],
    ['token_budget=1e3', /token_budget=1e3 is not a whole number/],
    ['max_seqs=-4', /max_seqs=-4 is not a whole number/],
    ['kv_fraction=1.2', /kv_fraction=1\.2 is not a number above 0 and at most 1/],
    ['token_budget=64,max_seqs=256', /max_seqs=256 is above token_budget=64.*; give max_seqs=64 or less/],
    ['kv_fraction=0', /kv_fraction=0 is not a number above 0/],
    ['kv_fraction=0.2', /does not fit: it needs 19\.6 GB a GPU .* raise kv_fraction above 0\.23/],
    ['kv_tokens=15', /kv_tokens=15 is less than one block; raise it to block_tokens=16 or more/],
    [
      'kv_tokens=1000000000,block_tokens=1',
      /1000000000 KV blocks of 1 tokens, and can have 67108864; give kv_tokens=67108864 or less/,
    ],
    ['kv_tokens=1099511627776', /kv_tokens=1099511627776 is not a whole number from 0 to 1073741824/],
    ['sglang,block_tokens=16', /block_tokens=16 is not a whole number from 1 to 1/],
    ['sglang,schedule_policy=lmp', /schedule_policy "lmp" is not known; did you mean "lpm"\?/],
    ['tp=3', /tp=3 does not divide llama-3\.1-8b \(32 query heads, 8 KV heads, MLP of 14336\); tp can be 1, 2, 4, 8/],
    ['tp=16', /tp=16 is not a whole number from 1 to 8/],
    ['model=llama-3-70b', /llama-3-70b does not fit: it needs 144\.\d GB a GPU .* at tp=1.* share it by tp=2/],
    ['model=opt-175b,gpu=a10,tp=8', /take a smaller model or a larger GPU$/],
    [
      'cost=distserve',
      /cost=distserve has no coefficients for llama-3\.1-8b at tp=1 on h100-sxm; it has them on a100-sxm-80g for opt-13b at tp=1, 2, 4 and opt-66b at tp=2, 3, 4, 8/,
    ],
    ['cost=vllm,model=opt-13b,gpu=a100-sxm-80g,tp=8', /no coefficients for opt-13b at tp=8 on a100/],
    ['cost=vllm,model=opt-13b', /no coefficients for opt-13b at tp=1 on h100-sxm/],
    [
      'cost=polynomial',
      /cost "polynomial" is not known, nor a file's name, FILE\.csv; known: roofline, distserve, vllm/,
    ],
    ['noise=1.5', /noise=1\.5 is not a number from 0 to 1/],
    ['host_fixed_us=-3', /host_fixed_us=-3 is not a number from 0 to 1000000/],
    ['max_model_len=200000', /max_model_len=200000 is not a whole number from 2 to 131072/],
    ['vllm-v1,gpu', /"gpu" is not an option; write key=value/],
    ['gpu=', /"gpu=" is not an option/],
    ['gpu=h100-sxm=2', /"gpu=h100-sxm=2" is not an option/],
    ['gpu=h100-sxm,gpu=a100-sxm-80g', /gpu is given twice/],
  ];
  for (const [text, message] of cases)
    test(text, () => {
      assert.throws(
        () => parseEngineSpec(text),
        (error) => error instanceof UserError && message.test(error.message),
      );
    });

  test('the advice for a model that does not fit is followed by one that fits', () => {
    assert.doesNotThrow(() => parseEngineSpec('kv_fraction=0.24'));
  });

  test('a spec that did not come from text is checked as well', () => {
    assert.throws(
      () => createEngine({ system: 'vllm-v1', options: { max_seqs: 0.5 } }, { clock: new VirtualClock() }),
      UserError,
    );
    assert.throws(
      () => createEngine({ system: 'vllm-v1', options: { speed: 2 } }, { clock: new VirtualClock() }),
      UserError,
    );
  });
});
