import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { parseEngineSpec, serveEngine } from '../../../src/engine/index.ts';

const ASK = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';

async function open(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** What the server says next on a connection. */
async function ask(socket: Socket): Promise<string> {
  socket.write(ASK);
  const [data]: unknown[] = await once(socket, 'data');
  return String(data);
}

test('one connection too many gets 503 and is closed; the others go on, and their places are free again', async () => {
  const server = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0, maxConnections: 2 });
  try {
    const first = await open(server.url);
    const second = await open(server.url);
    assert.match(await ask(first), /^HTTP\/1\.1 200/);
    assert.match(await ask(second), /^HTTP\/1\.1 200/);
    const third = await open(server.url);
    const closed = once(third, 'close');
    const refusal = await ask(third);
    assert.match(refusal, /^HTTP\/1\.1 503/);
    assert.match(refusal, /2 connections are open.*--max-connections.*"type":"ServiceUnavailableError"/);
    await closed;
    assert.match(await ask(first), /^HTTP\/1\.1 200/);
    second.destroy();
    for (let tries = 0; ; tries++) {
      const again = await open(server.url);
      const reply = await ask(again);
      again.destroy();
      if (reply.startsWith('HTTP/1.1 200')) break;
      assert.ok(tries < 100, reply);
    }
    first.destroy();
  } finally {
    await server.close();
  }
});
