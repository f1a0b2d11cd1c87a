import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { textsFrom } from '../../src/core/outside-text.ts';
import { defineTarget, type TargetOptions } from '../../src/run/run-options.ts';
import { accessOf } from '../../src/target/open-target.ts';
import { shortKeyWarnings, targetKeys } from '../../src/target/target-keys.ts';
import { KEY, keyIn } from '../key-codings.ts';

const URL = 'http://127.0.0.1:8000';
process.env['REPRISE_TEST_KEY'] = KEY;

/** Wherever a target may be given a key. */
const GIVEN: Readonly<Record<string, Omit<TargetOptions, 'target'> & { readonly target?: string }>> = {
  'the environment': { apiKeyEnv: 'REPRISE_TEST_KEY' },
  'a header': { header: [`x-api-key: ${KEY}`] },
  'any header': { header: [`x-tenant: ${KEY}`] },
  'a cookie': { header: [`cookie: a=b; session=${KEY}; c=d`] },
  'basic authentication': { header: [`authorization: Basic ${Buffer.from(`me:${KEY}`).toString('base64')}`] },
  'a query': { target: `${URL}/v1?key=${encodeURIComponent(KEY)}` },
  'a query without a name': { target: `${URL}/v1?${encodeURIComponent(KEY)}` },
  'the query of another endpoint': {
    target: `prefill=${URL},decode=http://127.0.0.1:8001?sig=${encodeURIComponent(KEY)}`,
  },
  'a field of the body': { extraBody: { a: [{ accessToken: KEY }] } },
  'the command of a server': { start: `serve --api-key ${KEY}` },
  'the environment of a server': { start: 'serve' },
};

describe('what a target is given as a key', () => {
  for (const [where, given] of Object.entries(GIVEN))
    it(`in ${where} is hidden in what its servers say`, () => {
      const config = defineTarget({ target: URL, ...given });
      assert.ok(config.spec.kind === 'server');
      for (const endpoint of config.spec.endpoints)
        assert.deepEqual(keyIn(textsFrom(accessOf(endpoint, config)).quoted(`not ${KEY}`)), []);
      assert.deepEqual(keyIn(config.spec.text), []);
      assert.deepEqual(shortKeyWarnings(config), []);
    });

  it('and is short is warned of, by where it is given', () => {
    const short = defineTarget({
      target: `${URL}/?key=abc&page=2`,
      header: ['x-api-key: 1234567', 'x-priority: 1', 'authorization: Bearer short'],
      extraBody: { token: 'abc' },
    });
    const places = shortKeyWarnings(short).map((text) => /^the key of (.*) has/.exec(text)?.[1]);
    assert.deepEqual(places, ['the header x-api-key', 'the header authorization', 'the URL', '--extra-body']);
  });

  it('of the environment only where a server is started, which inherits it', () => {
    assert.deepEqual(targetKeys(defineTarget({ target: URL })), []);
  });
});
