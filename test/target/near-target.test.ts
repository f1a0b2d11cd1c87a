import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearTarget } from '../../src/target/near-target.ts';
import { parseTarget } from '../../src/target/target-spec.ts';

/** What is given as a target -> what was meant. */
const MEANT: readonly (readonly [given: string, meant: string | null])[] = [
  ['localhost:8000', 'http://localhost:8000'],
  ['localhost', 'http://localhost'],
  ['127.0.0.1:8000', 'http://127.0.0.1:8000'],
  ['gpu-box:8000/v1', 'http://gpu-box:8000/v1'],
  ['myhost.example/v1', 'http://myhost.example/v1'],
  ['[::1]:8000', 'http://[::1]:8000'],
  [':8000', 'http://127.0.0.1:8000'],
  ['8000', 'http://127.0.0.1:8000'],
  ['htp://host/v1', 'http://host/v1'],
  ['htps://host/v1', 'https://host/v1'],
  ['http:/host:8000', 'http://host:8000'],
  ['https//host', 'https://host'],
  ['https:127.0.0.1:8000', 'https://127.0.0.1:8000'],
  ['vllm-v1,model=llama-3.1-8b', 'reference:vllm-v1,model=llama-3.1-8b'],
  ['vlm-v1', 'reference:vllm-v1'],
  ['distserve', 'reference:distserve'],
  ['refrence:vllm-v1,gpu=h100-sxm', 'reference:vllm-v1,gpu=h100-sxm'],
  ['Reference', 'reference'],
  ['reference=vllm-v1', 'reference:vllm-v1'],
  ['grpc://host:8000', null],
  ['nonsense', null],
];

describe('a target that is neither a URL nor a reference target', () => {
  for (const [given, meant] of MEANT)
    it(`${given}: ${meant === null ? 'nothing is near' : `${meant} was meant`}`, () => {
      assert.equal(nearTarget(given), meant);
      if (meant !== null) parseTarget(meant);
      assert.throws(() => parseTarget(given), meant === null ? /--target: (?!.*mean)/ : /; did you mean .*\?$/);
    });

  it('is suggested and shown without a password or key', () => {
    assert.throws(() => parseTarget('me:hunter2@host:80/v1?key=hunter2'), /^UserError: --target: (?!.*hunter2).*mean/);
  });
});
