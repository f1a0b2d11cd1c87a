import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../src/core/errors.ts';
import { part } from '../../src/probe/part.ts';

const access = { url: new URL('http://127.0.0.1:1'), headers: {}, insecure: false };
const untilStopped = async ({ stop }: { readonly stop?: AbortSignal }): Promise<void> =>
  sleep(9000, undefined, { signal: stop });

describe('a part of a probe', () => {
  it('is what was found', async () => {
    assert.deepEqual(await part(access, 1000, async () => 7), { found: 7 });
  });

  it('or why nothing was: a message for the user, an error of the network, its time', async () => {
    const user = part(access, 1000, () => Promise.reject(new UserError('no key')));
    const network = part(access, 1000, () => Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' })));
    assert.deepEqual(await user, { why: 'no key' });
    assert.deepEqual(await network, { why: 'reset' });
    assert.deepEqual(await part(access, 20, untilStopped), { why: 'no answer within 0.02 s' });
  });

  it('but a fault of ours is thrown, and so is the end of the probe', async () => {
    await assert.rejects(
      part(access, 1000, () => Promise.reject(new TypeError('ours'))),
      TypeError,
    );
    const stop = AbortSignal.abort(new Error('interrupted'));
    await assert.rejects(part({ ...access, stop }, 1000, untilStopped), /abort|interrupted/);
  });
});
