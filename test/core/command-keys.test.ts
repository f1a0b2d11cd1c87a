import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { commandKeys, withoutCommandKeys } from '../../src/core/command-keys.ts';

/** Ways of a shell to give a key to a server; @@ stands for it. */
const FORMS = [
  'serve --api-key @@ --x 2',
  'serve --api-key=@@ --x 2',
  "serve --api-key='@@' --x 2",
  'serve --api-key "@@" --x 2',
  'HF_TOKEN=@@ serve',
  'export OPENAI_API_KEY=@@; serve',
  'env "HF_TOKEN=@@" serve',
  'docker run -e HF_TOKEN=@@ -e OTHER_KEY_2="@@" image',
  'curl -H "Authorization: Bearer @@" x && serve',
  "curl -H 'X-Api-Key: @@' x; serve",
  'curl -u user:@@ x; serve',
  `serve --config '{"api_key":"@@","b":1}'`,
  `serve --config "{\\"api_key\\": \\"@@\\"}"`,
  'bash -c "serve --api-key @@ -x"',
  'serve --hf-token @@|tee log',
  '(serve --password @@)&',
  'serve --url http://user:@@@host/v1?token=@@',
  'echo Bearer @@',
];

const KEY = fc
  .string({ minLength: 8, maxLength: 30, unit: fc.constantFrom(...'abcXYZ019-_.,}]+') })
  .filter((key) => /^[a-z]/i.test(key));

describe('keys of a command', () => {
  for (const form of FORMS)
    it(`are hidden and known in ${form}`, () => {
      fc.assert(
        fc.property(KEY, (key) => {
          const command = form.replaceAll('@@', key);
          const shown = withoutCommandKeys(command);
          assert.ok(!shown.includes(key), shown);
          assert.ok(shown.includes('***'));
          assert.equal(withoutCommandKeys(shown), shown);
          if (!form.includes('http'))
            assert.ok(
              commandKeys(command).some((known) => known === key || key.startsWith(known)),
              `${commandKeys(command)}`,
            );
        }),
      );
    });

  it('by their form, wherever they stand', () => {
    for (const key of [
      'sk-proj-0123456789',
      'hf_abcdefghijkl',
      'ghp_0123456789abcdef',
      'AKIAIOSFODNN7EXAMPLE',
      'eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln',
    ])
      assert.equal(withoutCommandKeys(`run ${key} now`), 'run *** now');
  });

  it('and nothing else', () => {
    for (const plain of [
      'vllm serve meta-llama/Llama-3.1-8B --max-tokens 256 --port 8000',
      'A=1 serve --tokenizer foo',
      'serve --api-key',
    ])
      assert.equal(withoutCommandKeys(plain), plain);
  });
});
