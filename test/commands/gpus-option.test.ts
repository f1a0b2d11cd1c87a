import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gpusOf } from '../../src/commands/gpus-option.ts';

const ENGINE = 'reference:sglang';
const URL_TARGET = 'http://127.0.0.1:8000';

describe('--gpus', () => {
  it('is as each target tells where it is not given', () => {
    assert.deepEqual(gpusOf(undefined, [ENGINE, URL_TARGET]), [null, null]);
  });

  it('is that of the only target, of each URL, or of each target in its order', () => {
    assert.deepEqual(gpusOf('7', [ENGINE]), [7]);
    assert.deepEqual(gpusOf('7', [URL_TARGET, ENGINE, URL_TARGET]), [7, null, 7]);
    assert.deepEqual(gpusOf('1,4', [ENGINE, URL_TARGET]), [1, 4]);
  });

  it('is refused where it would be of no target', () => {
    assert.throws(() => gpusOf('7', [ENGINE, 'reference:vllm-v1']), /^UserError: --gpus: one number .* one for each$/);
    assert.throws(() => gpusOf('1,2,3', [ENGINE, URL_TARGET]), /has 3 numbers for 2 targets/);
    assert.throws(() => gpusOf('0', [ENGINE]), /got "0", expected a whole number from 1/);
  });
});
