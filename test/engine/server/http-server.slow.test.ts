import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { serveEngine } from '../../../src/engine/server/index.ts';
import { testServer, until, type TestServer } from './test-server.ts';

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(() => server.close());

const HEALTH = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';

test('unknown paths and wrong methods', async () => {
  const missing = await server.send('GET', '/v1/nothing');
  assert.deepEqual([missing.status, missing.json.error.type], [404, 'NotFoundError']);
  const wrong = await server.send('GET', '/v1/completions');
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'POST']);
  assert.equal((await server.send('POST', '/health', '')).status, 405);
});

test('a body above the limit gets 413, and the server lives on', async () => {
  const reply = await server.complete(`{"prompt": "${'x'.repeat(65 * 1024 ** 2)}"}`);
  assert.deepEqual([reply.status, reply.json.error.code], [413, 413]);
  assert.equal((await server.send('GET', '/health')).status, 200);
});

describe('connections', () => {
  test('are kept alive', async () => {
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    for (let i = 1; i <= 3; i++) {
      socket.write(HEALTH);
      await until('a response', async () => text.split('HTTP/1.1 200').length === i + 1);
    }
    socket.destroy();
  });

  async function open(url: string): Promise<Socket> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  /** The bytes that the server sends next, after a request. */
  async function ask(socket: Socket): Promise<string> {
    socket.write(HEALTH);
    const [data]: unknown[] = await once(socket, 'data');
    return String(data);
  }

  test('above the limit get 503 and are closed; the others go on, and their places are free again', async () => {
    const limited = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0, maxConnections: 2 });
    try {
      const first = await open(limited.url);
      const second = await open(limited.url);
      assert.match(await ask(first), /^HTTP\/1\.1 200/);
      assert.match(await ask(second), /^HTTP\/1\.1 200/);
      const third = await open(limited.url);
      const closed = once(third, 'close');
      const refusal = await ask(third);
      assert.match(refusal, /^HTTP\/1\.1 503/);
      assert.match(refusal, /2 connections are open.*--max-connections.*"type":"ServiceUnavailableError"/);
      await closed;
      assert.match(await ask(first), /^HTTP\/1\.1 200/);
      second.destroy();
      for (let tries = 0; ; tries++) {
        const again = await open(limited.url);
        const reply = await ask(again);
        again.destroy();
        if (reply.startsWith('HTTP/1.1 200')) break;
        assert.ok(tries < 100, reply);
      }
      first.destroy();
    } finally {
      await limited.close();
    }
  });
});

test('a port that is taken is the user’s to change', async () => {
  await assert.rejects(
    serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: server.port }),
    (error) => error instanceof UserError && error.message.includes('--port'),
  );
});
