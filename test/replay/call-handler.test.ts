import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client } from 'undici';
import { CallHandler, type BrokenAt, type CallEvents } from '../../src/replay/call-handler.ts';

const NOT_USED = {
  paused: false,
  aborted: false,
  reason: null,
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
};

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
  call.lease = { client: new Client('http://127.0.0.1:1'), connectUs: null, isUnconnected, releasedUs: 0 };
  call.sendAgain = () => sent++;
  return { call, broken, sent: () => sent };
}

const RESET = new Error('read ECONNRESET');

describe('CallHandler, a connection that breaks', () => {
  it('while it idles, before any of the call was written: the call goes on another, but once', async () => {
    const { call, broken, sent } = handler(false);
    call.onResponseError(NOT_USED, RESET);
    await Promise.resolve();
    assert.deepEqual([sent(), broken], [1, []]);
    call.onResponseError(NOT_USED, RESET);
    assert.deepEqual([sent(), broken], [1, ['unanswered after idling']], 'no connect error');
  });

  it('and was never made is a connect error', () => {
    const { call, broken, sent } = handler(true);
    call.onResponseError(NOT_USED, RESET);
    assert.deepEqual([sent(), broken], [0, ['connecting']]);
  });

  it('under a call that was written is told apart by whether an answer had begun', () => {
    const idle = handler(false);
    idle.call.onRequestStart(NOT_USED);
    idle.call.onResponseError(NOT_USED, RESET);
    assert.deepEqual([idle.sent(), idle.broken], [0, ['unanswered after idling']]);
    const begun = handler(false);
    begun.call.onRequestStart(NOT_USED);
    begun.call.onResponseStart(NOT_USED, 200, {});
    begun.call.onResponseError(NOT_USED, RESET);
    assert.deepEqual(begun.broken, ['answering']);
  });
});
