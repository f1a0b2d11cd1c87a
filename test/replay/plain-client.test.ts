import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { setImmediate as afterPoll, setTimeout as sleep } from 'node:timers/promises';
import { CallHandler } from '../../src/replay/call-handler.ts';
import type { CallRequest, HttpClient } from '../../src/replay/http-client.ts';
import { PlainConnection, plainHttp } from '../../src/replay/plain-client.ts';
import { WallClock } from '../../src/core/wall-clock.ts';
import { ReceiveQueue } from '../../src/replay/receive-queue.ts';

const REQUEST: CallRequest = {
  method: 'POST',
  path: '/v1/x?key=1',
  headers: { 'x-one': 'a' },
  body: Buffer.from('{}'),
};
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** A client whose sockets are none: what is written on each, and a way to answer on the last. */
function fake(): {
  client: HttpClient;
  sockets: { socket: Socket; written: string }[];
  answer: (text: string) => void;
} {
  const queue = new ReceiveQueue(new WallClock());
  const sockets: { socket: Socket; written: string }[] = [];
  let last: PlainConnection | null = null;
  const client = plainHttp(new URL('http://[::1]:8000'), queue).client((callback) => {
    const state = { socket: new Socket(), written: '' };
    const write = (bytes: string | Uint8Array): boolean => {
      state.written += Buffer.from(bytes).toString('latin1');
      return true;
    };
    Object.assign(state.socket, { write });
    sockets.push(state);
    last = new PlainConnection(queue).attach(state.socket);
    callback(null, last);
  });
  const answer = (text: string): void => {
    if (last === null) assert.fail('no socket');
    queue.add(last, Buffer.from(text), text.length);
    queue.readAll();
  };
  return { client, sockets, answer };
}

function handler(ends: string[]): CallHandler {
  const call = { id: 0, role: 'reply', endpoint: 0, path: '/', headers: {}, body: REQUEST.body } as const;
  return new CallHandler(
    {
      onSent: () => undefined,
      onHead: () => undefined,
      onStream: () => false,
      onStreamEnd: () => undefined,
      onReply: (_call, body) => void ends.push(Buffer.from(body).toString()),
      onErrorStatus: (_call, status) => void ends.push(String(status)),
      onBroken: (_call, error, at) => void ends.push(`${at}: ${error.message}`),
      onUnsent: () => void ends.push('unsent'),
      onThrown: (_call, thrown) => {
        throw thrown;
      },
    },
    call,
  );
}

describe('the plain client', () => {
  it('writes a request as it is, whatever its length', async () => {
    for (const length of [0, 2, 70_000]) {
      const { client, sockets } = fake();
      client.dispatch({ ...REQUEST, body: Buffer.alloc(length, 'x') }, handler([]));
      assert.equal(
        sockets[0]?.written,
        `POST /v1/x?key=1 HTTP/1.1\r\nhost: [::1]:8000\r\nconnection: keep-alive\r\nx-one: a\r\ncontent-length: ${length}\r\n\r\n${'x'.repeat(length)}`,
      );
      await client.destroy();
    }
    const { client, sockets } = fake();
    client.dispatch({ ...REQUEST, headers: { Host: 'other' }, reset: true }, handler([]));
    assert.match(sockets[0]?.written ?? '', /\r\nhost: other\r\nconnection: close\r\ncontent-length: 2\r\n/);
    await client.destroy();
  });

  it('writes no header that ends the head, or belongs to the connection', () => {
    for (const headers of [{ a: 'b\r\nc: d' }, { 'a b': 'c' }, { 'Content-Length': '9' }, { connection: 'close' }]) {
      const { client, sockets } = fake();
      assert.throws(() => client.dispatch({ ...REQUEST, headers }, handler([])), JSON.stringify(headers));
      assert.equal(sockets[0]?.written ?? '', '');
    }
  });

  it('uses a connection again, unless either side is to close it', async () => {
    const cases: readonly [answer: string, sockets: number][] = [
      [ANSWER, 1],
      [ANSWER.replace('content', 'keep-alive: timeout=9\r\ncontent'), 1],
      [ANSWER.replace('content', 'keep-alive: timeout=1\r\ncontent'), 2],
      [ANSWER.replace('content', 'connection: close\r\ncontent'), 2],
      [`${ANSWER}HTTP/1.1 200 OK\r\n`, 2],
    ];
    for (const [text, count] of cases) {
      const { client, sockets, answer } = fake();
      const ends: string[] = [];
      for (let i = 0; i < 2; i++) {
        client.dispatch(REQUEST, handler(ends));
        await afterPoll();
        answer(text);
      }
      assert.deepEqual([ends, sockets.length], [['ok', 'ok'], count], text);
      await client.destroy();
    }
  });

  it('closes a connection that has idled for as long as its server allows, and none in use', async () => {
    const { client, sockets, answer } = fake();
    const allowed = ANSWER.replace('content', 'keep-alive: timeout=3\r\ncontent'); // less 2 s
    client.dispatch(REQUEST, handler([]));
    answer(ANSWER); // 4 s
    client.dispatch(REQUEST, handler([]));
    await afterPoll();
    answer(allowed);
    await sleep(700);
    client.dispatch(REQUEST, handler([]));
    await sleep(700);
    const [first] = sockets;
    assert.deepEqual([first?.socket.destroyed, sockets.length], [false, 1]);
    answer(allowed);
    const idleSinceMs = performance.now();
    while (first?.socket.destroyed === false) await sleep(20);
    const idledMs = performance.now() - idleSinceMs;
    assert.ok(idledMs > 990 && idledMs < 3000, `${idledMs} ms`);
    await client.destroy();
  });

  it('sends a call on another connection where the server closed the idle one by the next poll', async () => {
    const { client, sockets, answer } = fake();
    const ends: string[] = [];
    client.dispatch(REQUEST, handler(ends));
    answer(ANSWER);
    client.dispatch(REQUEST, handler(ends));
    sockets[0]?.socket.emit('end');
    await afterPoll();
    answer(ANSWER);
    assert.deepEqual([ends, sockets.length], [['ok', 'ok'], 2]);
    await client.destroy();
  });

  it('sends nothing once it is closed, nor for a call that was given up', async () => {
    const { client, sockets } = fake();
    const given = handler([]);
    given.abort();
    client.dispatch(REQUEST, given);
    assert.equal(sockets[0]?.written, '');
    await client.destroy();
    const ends: string[] = [];
    const again = handler(ends);
    client.dispatch(REQUEST, again);
    await afterPoll();
    client.dispatch(REQUEST, again);
    assert.deepEqual([ends, sockets.length], [['unsent', 'unanswered after idling: the client is closed'], 1]);
  });
});
