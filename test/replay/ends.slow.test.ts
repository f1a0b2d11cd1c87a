import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAiCodec } from '../../adapters/openai.ts';
import { promptMaker } from '../../workloads/index.ts';
import type { ConnectionMode } from '../../src/replay/connections.ts';
import { openSingleRequests } from '../../src/replay/single-requests.ts';
import { DONE, serve, sse, streamTokens, tokenEvent, type TestServer } from '../servers.ts';
import { HTTP_PATHS } from '../../src/replay/transport.ts';
import { asking, type Asking } from './asking.ts';

const openai = openAiCodec(
  { endpoint: 'completions', model: 'tiny', runId: 'run' },
  promptMaker({ seed: 1, blockTokens: null }),
);
const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

async function answering(answer: (response: ServerResponse, index: number) => unknown): Promise<TestServer> {
  const server = await serve((index, _request, response) => void answer(response, index));
  closing.push(server.close);
  return server;
}

const TOKENS = tokenEvent().repeat(3) + tokenEvent(' a', 'length');
const USAGE = sse({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } });

/** A server of raw sockets; `answer` gets each request by its number on its connection. */
async function rawServer(answer: (socket: Socket, onConnection: number) => void): Promise<URL> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let requests = 0;
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (data.includes('POST')) answer(socket, requests++);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return new URL(`http://127.0.0.1:${address.port}`);
}

function whole(socket: Socket, body = TOKENS + USAGE + DONE): void {
  socket.write(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

for (const path of HTTP_PATHS) {
  const client = (url: URL, mode?: ConnectionMode): Asking => {
    const made = asking(url, openai, mode, path);
    closing.unshift(() => made.target.close());
    return made;
  };

  describe(`the end of a request, ${path}`, () => {
    it('is its [DONE], when the connection stays open behind it, which is closed soon and holds up nobody', async () => {
      let closed = 0;
      const server = await answering((response) => {
        response.on('close', () => closed++);
        response.writeHead(200).write(TOKENS + USAGE + DONE);
      });
      const { ask } = client(server.url);
      const started = performance.now();
      const all = [await ask(0), await ask(1), ...(await Promise.all([ask(2), ask(3)]))];
      assert.ok(performance.now() - started < 900, 'no request waited for a connection that is held');
      assert.deepEqual(
        all.map(({ outcome, tokens }) => [outcome, tokens]),
        Array.from({ length: 4 }, () => ['ok', 4]),
      );
      await sleep(1500);
      assert.equal(closed, 4);
    });

    it('leaves the connection for the next request where the body ends soon behind it', async () => {
      const server = await answering(async (response) => {
        response.writeHead(200).write(TOKENS + DONE);
        await sleep(50);
        response.end(': bye\n\n');
      });
      let connections = 0;
      server.server.on('connection', () => connections++);
      const { ask } = client(server.url);
      for (let i = 0; i < 4; i++) {
        const { outcome, endMs } = await ask(i);
        assert.equal(outcome, 'ok');
        assert.ok(endMs < 45, `${endMs} ms`);
        await sleep(100);
      }
      assert.ok(connections <= 2, `${connections} connections: the first, and one opened ahead`);
    });

    it('is the last event, two seconds after a finish reason without [DONE] where the connection stays open', async () => {
      const server = await answering(async (response, index) => {
        response.writeHead(200).write(TOKENS);
        await sleep(100);
        response.write(USAGE);
        const pings = setInterval(() => response.write(': ping\n\ndata: {"type":"ping"}\n\n'), 200);
        response.on('close', () => clearInterval(pings));
        await sleep(700);
        if (index > 0) response.end();
      });
      const { ask } = client(server.url);
      const ends = await Promise.all([ask(0), ask(1)]);
      for (const { outcome, endMs, answer } of ends) {
        assert.deepEqual([outcome, answer?.inputTokens], ['ok', 3], 'the usage behind the finish reason counts');
        assert.ok(endMs >= 95 && endMs < 500, `ended after ${endMs} ms`);
      }
    });

    it('is no finish reason that text follows: the client waits for the rest, however long', async () => {
      const server = await answering(async (response, index) => {
        const finish = index === 0 ? 'null' : 'stop';
        response.writeHead(200).write(tokenEvent(' a', finish));
        await sleep(20);
        response.write(tokenEvent(' a', finish));
        await sleep(2300);
        if (index === 2) response.end();
        else response.end(tokenEvent(' a', finish) + tokenEvent(' a', 'length') + DONE);
      });
      const { ask } = client(server.url);
      const ends = await Promise.all([ask(0), ask(1), ask(2)]);
      assert.deepEqual(
        ends.map(({ outcome, tokens }) => [outcome, tokens]),
        [
          ['ok', 4],
          ['ok', 4],
          ['stream_broken', 2],
        ],
      );
    });

    it('is the last event of an answer with every token that was asked for, or a [DONE] without its blank line', async () => {
      const server = await answering(async (response, index) => {
        response.writeHead(200).write(tokenEvent().repeat(4));
        await sleep(20);
        response.write(USAGE + (index === 2 ? 'data: [DONE]\n' : ''));
        if (index === 0) return;
        await sleep(600);
        response.end();
      });
      const { ask } = client(server.url);
      for (const { outcome, endMs, tokens } of await Promise.all([ask(0), ask(1), ask(2)])) {
        assert.deepEqual([outcome, tokens], ['ok', 4]);
        assert.ok(endMs >= 15 && endMs < 400, `ended after ${endMs} ms`);
      }
    });

    it('at a timeout behind the finish reason is that of a whole answer', async () => {
      const server = await answering((response) => response.writeHead(200).write(TOKENS));
      const { ask, target } = client(server.url);
      const open = ask(0);
      await sleep(150);
      assert.equal(target.cancel(0), null);
      const { outcome, endMs } = await open;
      assert.equal(outcome, 'ok');
      assert.ok(endMs < 140, `${endMs} ms`);
    });

    it('without a finish reason does not come at [DONE] for good, nor at a reset, and says what it had', async () => {
      const server = await answering((response, index) => {
        const remark = index === 2 ? sse({ remark: 'evicted' }) : '';
        response.writeHead(200).write(tokenEvent() + remark + (index === 0 ? DONE : ''));
        if (index > 0) setTimeout(() => response.socket?.destroy(), 20);
      });
      const { ask } = client(server.url);
      const [done, cut, evicted] = [await ask(0), await ask(1), await ask(2)];
      assert.deepEqual(
        [done.outcome, done.error],
        ['stream_broken', 'the stream ended by [DONE] after 1 of 4 tokens, without a finish_reason'],
      );
      assert.deepEqual([cut.outcome, cut.tokens], ['stream_broken', 1]);
      assert.match(cut.error ?? '', /closed.*: the stream ended after 1 of 4 tokens/);
      assert.match(evicted.error ?? '', /"remark":"evicted"/);
    });

    it('of a single request too, and of the process: a connection that is held keeps nothing alive', async () => {
      const server = await answering((response) => response.writeHead(200).write(TOKENS + DONE));
      const requests = openSingleRequests(openai, [{ url: server.url, headers: {}, insecure: false }], 60e6, path);
      const started = performance.now();
      const request = { id: 'one', traceRow: 0, dueUs: 0, inputTokens: 3, outputTokens: 4 };
      assert.equal((await requests.send(request)).kind, 'answered');
      await requests.close();
      assert.ok(performance.now() - started < 900);
    });
  });

  describe(`what is no stream, ${path}`, () => {
    it('a redirect is named with where it leads, and a compressed refusal as one', async () => {
      const server = await answering((response, index) => {
        if (index === 0) response.writeHead(307, { location: 'https://elsewhere.test/v1/completions' }).end();
        else response.writeHead(500, { 'content-encoding': 'gzip' }).end(Buffer.from('1f8b08', 'hex'));
      });
      const { ask } = client(server.url);
      const redirect = await ask(0);
      assert.equal(redirect.outcome, 'http_error');
      assert.match(redirect.error ?? '', /redirects to https:\/\/elsewhere\.test\/v1\/completions,.*--target/);
      const packed = await ask(1);
      assert.deepEqual([packed.outcome, packed.error], ['http_error', 'a body with content-encoding gzip']);
    });

    it('a long message keeps the reason at its end, and no half of a key', async () => {
      const server = await answering((response) =>
        response.writeHead(500).end(`${'x'.repeat(170)}a-secret${'y'.repeat(400)} no memory`),
      );
      const { error } = await client(server.url).ask(0);
      assert.match(error ?? '', /^x+\*\*\*y* \.\.\. y+ no memory$/);
    });
  });

  describe(`connections, ${path}`, () => {
    for (const reset of [true, false])
      it(`one that ${reset ? 'is reset' : 'ends'} under a request that was sent on it is told apart, with the way out`, async () => {
        const url = await rawServer((socket, onConnection) => {
          if (onConnection === 0) whole(socket);
          else if (reset) socket.resetAndDestroy();
          else socket.destroy();
        });
        const { ask } = client(url);
        const ends = [];
        for (let i = 0; i < 6; i++) {
          ends.push(await ask(i));
          await sleep(10);
        }
        const broken = ends.filter(({ outcome }) => outcome !== 'ok');
        assert.ok(broken.length >= 2, `${broken.length} of 6`);
        for (const { outcome, error } of broken) {
          assert.equal(outcome, 'stream_broken', 'no connect error: the target is not gone');
          assert.match(error ?? '', /before the first byte of an answer; .* idle .*--connections per-request/);
        }
        const afresh = client(url, 'per-request');
        for (let i = 0; i < 6; i++) assert.equal((await afresh.ask(i)).outcome, 'ok');
      });

    it('one that was opened for its request and gives no answer does not name that way out', async () => {
      const url = await rawServer((socket) => socket.destroy());
      const { outcome, error } = await client(url, 'per-request').ask(0);
      assert.equal(outcome, 'stream_broken');
      assert.match(error ?? '', /^the connection was closed before the first byte of an answer: /);
    });

    it('are used in turn, but for those that have idled so long that a server may be closing them', async () => {
      const requests: number[] = [];
      const url = await rawServer((socket, onConnection) => {
        requests[numberOf(socket)] = onConnection + 1;
        setTimeout(() => whole(socket), 20);
      });
      const numbers = new Map<Socket, number>();
      const numberOf = (socket: Socket): number => {
        if (!numbers.has(socket)) numbers.set(socket, numbers.size);
        return numbers.get(socket) ?? 0;
      };
      const { ask } = client(url);
      await Promise.all([0, 1, 2, 3].map(ask));
      for (let i = 4; i < 12; i++) assert.equal((await ask(i)).outcome, 'ok');
      assert.deepEqual(requests, [3, 3, 3, 3]);
      await sleep(1600);
      for (let i = 12; i < 15; i++) assert.equal((await ask(i)).outcome, 'ok');
      assert.deepEqual(requests.toSorted(), [3, 3, 3, 6]);
    });

    it('of a server that closes them after 50 ms: a request is answered, or says why it was not', async () => {
      const url = await rawServer((socket) => {
        whole(socket);
        setTimeout(() => socket.resetAndDestroy(), 50);
      });
      const { ask } = client(url);
      for (let i = 0; i < 25; i++) {
        const { outcome, error } = await ask(i);
        if (outcome !== 'ok') assert.match(error ?? '', /--connections per-request/);
        await sleep(47 + (i % 7));
      }
    });

    it('per request: each opens its own when it is due, says so, and its connect is timed', async () => {
      const server = await answering((response) => streamTokens(response, 4, 1));
      let connections = 0;
      server.server.on('connection', () => connections++);
      const { ask, target } = client(server.url, 'per-request');
      await target.open(8);
      assert.equal(connections, 0, 'none ahead');
      const ends = [await ask(0), await ask(1), ...(await Promise.all([2, 3, 4, 5].map(ask)))];
      assert.equal(connections, 6);
      for (const { outcome, connectUs } of ends) {
        assert.equal(outcome, 'ok');
        assert.ok(connectUs !== null && connectUs > 0);
      }
      assert.ok(server.seen.every(({ headers }) => headers.connection === 'close'));
    });

    it('per request: closed though the server keeps them open', async () => {
      let closed = 0;
      const url = await rawServer((socket) => {
        socket.on('close', () => closed++);
        whole(socket);
      });
      const { ask } = client(url, 'per-request');
      for (let i = 0; i < 3; i++) assert.equal((await ask(i)).outcome, 'ok');
      await sleep(50);
      assert.equal(closed, 3);
    });
  });
}
