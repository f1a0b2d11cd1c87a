import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
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
    const limited = await serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: 0, connections: { open: 2 } });
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

describe('what does not come, or comes too much', () => {
  const LIMITS = { connections: { requestMs: 300, idleMs: 900 }, bodies: { bytes: 1000, allBytes: 2500 } };
  const BODY = JSON.stringify({ prompt: [1, 2, 3], max_tokens: 2 });
  const HEAD = 'POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ';

  async function limited(work: (port: number) => Promise<void>, system = ''): Promise<void> {
    const strict = await serveEngine(parseEngineSpec(system), { host: '127.0.0.1', port: 0, ...LIMITS });
    try {
      await work(Number(new URL(strict.url).port));
    } finally {
      await strict.close();
    }
  }

  /** Sends these texts, one a time, and resolves with all that came once the connection is closed, and when. */
  async function talk(port: number, texts: readonly string[], everyMs = 0): Promise<{ reply: string; ms: number }> {
    const fromMs = performance.now();
    const socket = connect(port, '127.0.0.1');
    let reply = '';
    socket.on('data', (data: Buffer) => (reply += data.toString())).on('error', () => undefined);
    const closed = once(socket, 'close');
    for (const text of texts) {
      if (socket.destroyed) break;
      socket.write(text);
      await sleep(everyMs);
    }
    await closed;
    return { reply, ms: performance.now() - fromMs };
  }

  test('half a request is ended: no headers, headers by the letter, half a body', () =>
    limited(async (port) => {
      const halves = [
        [HEALTH.slice(0, 20)],
        HEALTH.slice(0, 30).split(''),
        [`${HEAD}${BODY.length}\r\n\r\n${BODY.slice(0, 5)}`],
      ];
      const ended = await Promise.all(halves.map((texts) => talk(port, texts, 50)));
      for (const { reply, ms } of ended) {
        assert.equal(reply, '');
        assert.ok(ms >= 300 && ms < 2500, `${ms} ms`);
      }
    }));

  test('a connection without a request is ended later, one that is answered goes on', () =>
    limited(async (port) => {
      const slow = 'POST /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ';
      const long = JSON.stringify({ prompt: [1], max_tokens: 250 });
      const [idle, used, answered] = await Promise.all([
        talk(port, []),
        talk(port, [HEALTH, '', '', HEALTH], 200),
        talk(port, [`${slow}${long.length}\r\n\r\n${long}`]),
      ]);
      assert.ok(idle.ms >= 900 && idle.ms < 2500, `${idle.ms} ms`);
      assert.equal(used.reply.split('HTTP/1.1 200').length, 3);
      assert.ok(used.ms >= 1500, `${used.ms} ms`);
      assert.match(answered.reply, /HTTP\/1\.1 200.*"completion_tokens":250/s);
      assert.ok(answered.ms > 1200, `${answered.ms} ms`);
    }));

  test('bodies have a limit each, by what is said at once, and one together', () =>
    limited(async (port) => {
      const said = await talk(port, [`${HEAD}100000000000\r\n\r\n{`]);
      assert.match(said.reply, /^HTTP\/1\.1 413/);
      assert.ok(said.ms < 250, `${said.ms} ms`);
      const half = `${HEAD}990\r\n\r\n${BODY.padEnd(900)}`;
      const all = await Promise.all(Array.from({ length: 6 }, () => talk(port, [half])));
      const refused = all.filter(({ reply }) => reply.startsWith('HTTP/1.1 503')).length;
      assert.equal(refused, 4, all.map(({ reply }) => reply.slice(0, 20)).join());
      // Those that had no room, and those that did not come, have given theirs back.
      const next = await talk(port, [`${HEAD}${BODY.length}\r\nConnection: close\r\n\r\n${BODY}`]);
      assert.match(next.reply, /^HTTP\/1\.1 200/);
    }));

  test('an id is bounded, and what an error quotes', async () => {
    const long = await server.complete({ prompt: [1] }, { 'x-request-id': 'i'.repeat(600) });
    assert.deepEqual([long.status, long.headers['x-request-id']], [400, undefined]);
    const model = await server.complete({ prompt: [1], model: 'm'.repeat(1_000_000) });
    assert.equal(model.status, 404);
    assert.ok(model.text.length < 3000);
  });

  test('numbers that are only said take no memory', async () => {
    const beforeBytes = process.memoryUsage().rss;
    for (const max_tokens of [2 ** 31, 2 ** 52])
      assert.equal((await server.complete({ prompt: [1], max_tokens, min_tokens: max_tokens })).status, 400);
    assert.ok(process.memoryUsage().rss - beforeBytes < 50e6);
  });
});

test('a port that is taken is the user’s to change', async () => {
  await assert.rejects(
    serveEngine(parseEngineSpec(''), { host: '127.0.0.1', port: server.port }),
    (error) => error instanceof UserError && error.message.includes('--port'),
  );
});
