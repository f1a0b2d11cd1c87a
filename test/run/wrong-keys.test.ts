import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { runLine } from '../../src/commands/main.ts';
import { runCommand } from '../../src/commands/run.ts';
import { UserError } from '../../src/core/errors.ts';
import { withoutQueryValues } from '../../src/core/secrets.ts';
import { readHeaders } from '../../src/run/headers.ts';
import { commandOf, shownOptions } from '../../src/run/given-options.ts';
import { runOptionsSchema } from '../../src/run/run-options.ts';
import { parseTarget } from '../../src/target/target-spec.ts';
import { KEY, keyIn } from '../key-codings.ts';

/** What is said of a mistake; fails where there is none. */
async function saidOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (thrown) {
    if (thrown instanceof UserError) return thrown.message;
    throw thrown;
  }
  throw new Error('no mistake was found');
}

const line = (...words: readonly string[]): Promise<string> =>
  saidOf(() => runLine(['run', 'chat', ...words], new Map([['run', async () => runCommand]])));

describe('what may be a key is not quoted', () => {
  const mistakes: Readonly<Record<string, () => Promise<string>>> = {
    'a header without a colon': () => saidOf(() => readHeaders([KEY], undefined)),
    'a header that begins with its colon': () => saidOf(() => readHeaders([`:${KEY}`], undefined)),
    'a header whose name is none': () => saidOf(() => readHeaders([`Bearer ${KEY}: x`], undefined)),
    'a header whose value is none': () => saidOf(() => readHeaders([`x-key: ${KEY}\u0000`], undefined)),
    'a variable that is the key': () => saidOf(() => readHeaders([], KEY)),
    'quotes that were forgotten': () => line('--header', 'Authorization:', 'Bearer', KEY),
    'an option that is unknown': () => line('--heeader', `x: ${KEY}`),
    'a word that is left over': () => line('--limit', '3', KEY),
    'a value behind an option that is unknown': () => line('--api-key', KEY),
    'a value that is an option of its own': () => line(`--api-key=${KEY}`),
  };
  for (const [mistake, act] of Object.entries(mistakes))
    it(`where there is ${mistake}`, async () => assert.deepEqual(keyIn(await act()), [], await act()));

  it('of a URL that is none, or has a password, whatever signs are in it', async () => {
    const password = fc.string({ minLength: 8, maxLength: 20, unit: fc.constantFrom(...'abz019/?#:@%&=+.-') });
    await fc.assert(
      fc.asyncProperty(password, fc.constantFrom('http', 'https', 'htp', 'ftp'), async (secret, scheme) => {
        const key = `q7${secret}7q`;
        for (const url of [
          `${scheme}://user:${key}@host:8000`,
          `${scheme}://${key.replaceAll(/[/?#]/g, '')}@host`,
          `${scheme}://host/?key=${encodeURIComponent(key)}`,
          `user:${key}@host`,
        ]) {
          let said: string;
          try {
            said = parseTarget(url).text;
          } catch (thrown) {
            if (!(thrown instanceof UserError)) throw thrown;
            said = thrown.message;
          }
          // A host may stand before a slash: that is a URL like any other.
          for (const form of [key, encodeURIComponent(key), key.replaceAll(/[/?#]/g, '')])
            assert.ok(!said.includes(form), said);
        }
      }),
    );
    for (const [url, shown] of [
      ['http://user:a/b@host/v1', 'http://***@host/v1'],
      ['http://user:a?b@host/v1?k=v', 'http://***@host/v1?k=***'],
      ['http://host/models/@cf/meta', 'http://host/models/@cf/meta'],
      ['https://u:p@host/@cf?x=1#y', 'https://***@host/@cf?x=***'],
    ] as const)
      assert.equal(withoutQueryValues(url), shown);
  });

  it('in the options and the command of run.json', () => {
    const given = {
      workload: 'chat',
      target: `prefill=http://a:1?key=${KEY}+http://b:2@9000,decode=http://c:3/?sig=${KEY}`,
      header: [`authorization: Bearer ${KEY}`],
      extraBody: { api_key: KEY },
      start: `HF_TOKEN=${KEY} vllm serve m --api-key ${KEY} --port 1`,
      ready: `http://c:3/up?k=${KEY}`,
    };
    const options = shownOptions(given, Object.keys(runOptionsSchema.shape));
    assert.deepEqual(keyIn(JSON.stringify([options, commandOf(options)])), []);
    assert.equal(options?.['target'], 'prefill=http://a:1?key=***+http://b:2@9000,decode=http://c:3/?sig=***');
    assert.equal(options?.['start'], 'HF_TOKEN=*** vllm serve m --api-key *** --port 1');
  });
});
