import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as afterTick } from 'node:timers/promises';
import { CallHandler, type BrokenAt, type CallEvents } from '../../src/replay/call-handler.ts';

/** A handler on a connection that is `isUnconnected`, and where its calls were reported to break. */
function handler(isUnconnected: boolean): { call: CallHandler; broken: BrokenAt[]; sent: () => number } {
  const broken: BrokenAt[] = [];
  let sent = 0;
  const events: CallEvents = {
    onSent: () => undefined,
    onHead: () => undefined,
    onStream: () => false,
    onStreamEnd: () => undefined,
    onReply: () => undefined,
    onErrorStatus: () => undefined,
    onBroken: (_call, _error, at) => void broken.push(at),
    onUnsent: () => sent++,
    onThrown: (_call, thrown) => {
      throw thrown;
    },
  };
  const call = new CallHandler(events, {
    id: 0,
    role: 'stream',
    endpoint: 0,
    path: '/',
    headers: {},
    body: new Uint8Array(),
  });
  const client = { dispatch: () => undefined, destroy: async () => undefined };
  call.lend({ client, connectUs: null, isUnconnected, releasedUs: 0 }, { release: () => undefined });
  return { call, broken, sent: () => sent };
}

const RESET = new Error('read ECONNRESET');

describe('CallHandler, a connection that breaks', () => {
  it('while it idles, before any of the call was written: the call goes on another, but once', async () => {
    const { call, broken, sent } = handler(false);
    call.onError(RESET);
    await afterTick();
    assert.deepEqual([sent(), broken], [1, []]);
    call.onError(RESET);
    assert.deepEqual([sent(), broken], [1, ['unanswered after idling']], 'no connect error');
  });

  it('and was never made is a connect error', () => {
    const { call, broken, sent } = handler(true);
    call.onError(RESET);
    assert.deepEqual([sent(), broken], [0, ['connecting']]);
  });

  it('under a call that was written is told apart by whether an answer had begun', () => {
    const idle = handler(false);
    idle.call.onStart({ abort: () => undefined });
    idle.call.onError(RESET);
    assert.deepEqual([idle.sent(), idle.broken], [0, ['unanswered after idling']]);
    const begun = handler(false);
    begun.call.onStart({ abort: () => undefined });
    begun.call.onHead(200, {});
    begun.call.onError(RESET);
    assert.deepEqual(begun.broken, ['answering']);
  });
});
