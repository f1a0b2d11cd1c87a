import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEngineSpec } from '../../../src/engine/index.ts';
import { serveEngine } from '../../../src/engine/server/index.ts';
import { testServer, until, type TestServer } from './test-server.ts';

let server: TestServer;
before(async () => {
  server = await testServer();
});
after(() => server.close());

describe('a client that disconnects', () => {
  for (const stream of [true, false])
    test(`cancels its request (stream: ${stream})`, async () => {
      const body = JSON.stringify({ prompt: Array(100).fill(1), max_tokens: 1800, stream });
      const socket = connect(server.port, '127.0.0.1');
      socket.write(
        `POST /v1/completions HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone-${stream}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      await until('the request runs', async () => (await server.load()).running === 1);
      assert.ok((await server.load()).usedBlocks >= 7);
      socket.destroy();
      await until('memory is free', async () => (await server.load()).usedBlocks === 0);
      const { running, waiting } = await server.load();
      assert.deepEqual([running, waiting], [0, 0]);
      assert.equal((await server.send('GET', `/truth?id=gone-${stream}`)).status, 200);
    });
});

test('an idle server uses no CPU', async () => {
  await until('it is idle', async () => (await server.load()).running === 0);
  await sleep(50);
  const cpu = process.cpuUsage();
  await sleep(300);
  const { user, system } = process.cpuUsage(cpu);
  assert.ok(user + system < 100_000, `${user + system} us of CPU in 300 ms`);
});

test('closing ends open streams', async () => {
  const other = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0 });
  const stream = fetch(`${other.url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ prompt: 'a', max_tokens: 10_000, stream: true }),
  });
  const reply = await stream;
  await other.close();
  await assert.rejects(reply.text());
  await assert.rejects(fetch(`${other.url}/health`));
});
