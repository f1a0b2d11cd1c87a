import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { after, describe, it } from 'node:test';
import { openAiCodec } from '../../adapters/openai.ts';
import { promptMaker } from '../../workloads/index.ts';
import type { Call, Codec } from '../../src/core/codec.ts';
import type { Outcome } from '../../src/core/record.ts';
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

async function answering(answer: (response: ServerResponse, index: number) => void): Promise<TestServer> {
  const server = await serve((index, _request, response) => answer(response, index));
  closing.push(server.close);
  return server;
}

for (const path of HTTP_PATHS)
  describe(`HttpTarget, ${path}`, () => {
    const client = (url: URL, codec: Codec = openai): Asking => {
      const made = asking(url, codec, 'reuse', path);
      closing.unshift(() => made.target.close());
      return made;
    };

    it('streams an answer: sent once, tokens counted, usage kept, headers on the wire', async () => {
      const server = await answering((response) => void streamTokens(response, 4, 1));
      const { ask, target } = client(new URL('/prefix/', server.url));
      await target.open(2);
      const ended = await ask(0);
      assert.deepEqual(
        [ended.outcome, ended.tokens, ended.sent, ended.answer?.outputTokens, ended.answer?.inputTokens],
        ['ok', 4, 1, 4, 3],
      );
      assert.deepEqual(
        [server.seen[0]?.path, server.seen[0]?.headers['x-extra'], server.seen[0]?.headers['x-request-id']],
        ['/prefix/v1/completions', 'yes', 'run-r0'],
      );
    });

    it('finds the routes of a server whose URL is given as to OpenAI clients', async () => {
      const server = await answering((response) => void streamTokens(response, 4, 0));
      for (const base of ['/v1', '/v1/', '/api/v1']) await client(new URL(base, server.url)).ask(0);
      assert.deepEqual(
        server.seen.map((request) => request.path),
        ['/v1/completions', '/v1/completions', '/api/v1/completions'],
      );
    });

    it('keeps what a server quotes of the headers out of what it says', async () => {
      const said = 'unknown key "a-secret", not yes';
      const server = await answering((response, index) => {
        if (index === 0) response.writeHead(401).end(JSON.stringify({ error: { message: said } }));
        else response.writeHead(200).end(sse({ error: { message: said } }));
      });
      const { ask } = client(server.url);
      for (let i = 0; i < 2; i++) assert.equal((await ask(i)).error, 'unknown key "***", not yes');
    });

    it('reuses a connection after its answer, and opens more when all are busy', async () => {
      const server = await answering((response, index) => void streamTokens(response, 4, index < 8 ? 5 : 0));
      let connections = 0;
      server.server.on('connection', () => connections++);
      const { ask, target } = client(server.url);
      await target.open(1);
      await Promise.all(Array.from({ length: 8 }, (_, i) => ask(i)));
      for (let i = 8; i < 30; i++) assert.equal((await ask(i)).outcome, 'ok');
      assert.ok(connections >= 8 && connections < 20, `${connections} connections for 8 at once and 22 after`);
    });

    it('takes the socket first that it opened first, which a server with few threads waits for', async () => {
      const server = await serve((_index, _request, response) => void streamTokens(response, 4, 0));
      closing.push(server.close);
      const opened: unknown[] = [];
      const used: unknown[] = [];
      server.server.on('connection', (socket) => opened.push(socket));
      server.server.on('request', (request) => used.push(request.socket));
      const { ask, target } = client(server.url);
      await target.open(4);
      await ask(0);
      assert.equal(opened.indexOf(used[0]), 0);
    });

    const statuses: [status: number, outcome: Outcome][] = [
      [429, 'rejected'],
      [503, 'rejected'],
      [400, 'rejected'],
      [500, 'http_error'],
      [401, 'http_error'],
      [404, 'http_error'],
    ];
    for (const [status, outcome] of statuses)
      it(`calls ${status} ${outcome}, with what the body says`, async () => {
        const server = await answering((response) =>
          response.writeHead(status).end('{"error":{"message":"no\\nroom"}}'),
        );
        const ended = await client(server.url).ask(0);
        assert.deepEqual(
          [ended.outcome, ended.error, ended.answer?.httpStatus, ended.tokens],
          [outcome, 'no room', status, 0],
        );
      });

    it('tells a reset in a stream from one that ends early, garbage, and an error inside a 200', async () => {
      const server = await answering((response, index) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(tokenEvent());
        if (index === 0) setTimeout(() => response.socket?.resetAndDestroy(), 10);
        else if (index === 1) response.end();
        else if (index === 2) response.end('data: <html>\n\n');
        else response.end(sse({ error: { message: 'engine died', code: 500 } }) + DONE);
      });
      const { ask } = client(server.url);
      const reset = await ask(0);
      assert.deepEqual([reset.outcome, reset.tokens], ['stream_broken', 1]);
      const short = await ask(1);
      assert.deepEqual(
        [short.outcome, short.error],
        ['stream_broken', 'the stream ended after 1 of 4 tokens, without finish_reason or [DONE]'],
      );
      assert.equal((await ask(2)).outcome, 'protocol_error');
      const error = await ask(3);
      assert.deepEqual([error.outcome, error.error, error.tokens], ['stream_broken', 'engine died', 1]);
    });

    it('takes an answer that is over for whole, whatever becomes of the connection then', async () => {
      const server = await answering((response, index) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(tokenEvent(' a', 'stop') + (index === 1 ? '' : DONE));
        if (index < 2) setTimeout(() => response.socket?.resetAndDestroy(), 20);
      });
      const { ask, target } = client(server.url);
      assert.deepEqual([(await ask(0)).outcome, (await ask(1)).outcome], ['ok', 'ok']);
      assert.equal((await ask(2)).outcome, 'ok', 'held open behind [DONE]');
      assert.equal(target.cancel(2), null);
    });

    it('knows the status of an answer that breaks off before its first byte, or never has one', async () => {
      const server = await answering((response, index) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        if (index === 0) setTimeout(() => response.socket?.resetAndDestroy(), 20);
      });
      const { ask, target } = client(server.url);
      const broken = await ask(0);
      assert.deepEqual([broken.outcome, broken.answer?.httpStatus], ['stream_broken', 200]);
      void ask(1);
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(target.cancel(1)?.httpStatus, 200);
    });

    it('takes a refusal for one, though its body never ends or is cut off, and an answer that is compressed for none', async () => {
      const server = await answering((response, index) => {
        if (index === 3) response.writeHead(200, { 'content-encoding': 'gzip' }).end('1f8b');
        else if (index === 0) response.writeHead(500).write('boom '.repeat(4000));
        else {
          response.writeHead(500, { 'content-length': 99 }).flushHeaders();
          if (index === 1) response.write('{"error":"boom"}');
          setTimeout(() => response.socket?.destroy(), 20);
        }
      });
      const { ask } = client(server.url);
      const endless = await ask(0);
      assert.deepEqual([endless.outcome, endless.error?.slice(0, 9)], ['http_error', 'boom boom']);
      const short = await ask(1);
      assert.deepEqual([short.outcome, short.error, short.answer?.httpStatus], ['http_error', 'boom', 500]);
      const bare = await ask(2);
      assert.deepEqual([bare.outcome, bare.error, bare.answer?.httpStatus], ['http_error', 'no message', 500]);
      const packed = await ask(3);
      assert.deepEqual([packed.outcome, packed.answer?.httpStatus], ['protocol_error', 200]);
      assert.match(packed.error ?? '', /compressed \(content-encoding gzip\)/);
    });

    it('calls a server that is not there connect_error, and goes on', async () => {
      const probe = createServer().listen(0, '127.0.0.1');
      await once(probe, 'listening');
      const address = probe.address();
      assert.ok(typeof address === 'object' && address !== null);
      probe.close();
      await once(probe, 'close');
      const { ask, target } = client(new URL(`http://127.0.0.1:${address.port}`));
      for (let i = 0; i < 3; i++) {
        const ended = await ask(i);
        assert.deepEqual([ended.outcome, ended.sent], ['connect_error', 0]);
        assert.match(ended.error ?? '', /ECONNREFUSED/);
      }
      await assert.rejects(target.open(1), /ECONNREFUSED/);
    });

    it('survives a server that closes idle connections, and one that speaks no HTTP', async () => {
      const server = await answering((response) => void streamTokens(response.setHeader('connection', 'close'), 4, 0));
      const { ask, target } = client(server.url);
      await target.open(2);
      for (let i = 0; i < 5; i++) assert.equal((await ask(i)).outcome, 'ok');
      const raw = createServer((socket) => void socket.on('error', () => undefined).end('SSH-2.0-nope\r\n')).listen(
        0,
        '127.0.0.1',
      );
      await once(raw, 'listening');
      closing.push(async () => void raw.close());
      const address = raw.address();
      assert.ok(typeof address === 'object' && address !== null);
      assert.equal((await client(new URL(`http://127.0.0.1:${address.port}`)).ask(0)).outcome, 'protocol_error');
    });

    it('cancels: the server sees the connection close, nothing more is reported', async () => {
      const closed: Promise<unknown>[] = [];
      const server = await answering((response) => {
        closed.push(once(response, 'close'));
        // Fewer by then than were asked for: those would be a whole answer.
        void streamTokens(response, 1000, 500);
      });
      const { ask, target } = client(server.url);
      let over = false;
      void ask(0).then(() => (over = true));
      while (closed.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await new Promise((resolve) => setTimeout(resolve, 30));
      target.cancel(0);
      await closed[0];
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(over, false);
    });

    it('runs an exchange of several calls: those of a step at once, then the next with their replies', async () => {
      const call = (id: number, role: Call['role'], body: string): Call => ({
        id,
        role,
        endpoint: 0,
        path: `/call/${id}`,
        headers: {},
        body: Buffer.from(body),
      });
      const twoSteps: Codec = {
        ...openai,
        open: () => [call(0, 'reply', '"first"'), call(1, 'reply', '"second"'), { ...call(2, 'stream', ''), step: 1 }],
        decoder(request, out) {
          const said: string[] = [];
          return Object.assign(openai.decoder(request, out), {
            reply: ({ id }: Call, body: Uint8Array) => {
              said[id] = Buffer.from(body).toString();
              return null;
            },
            next: (prepared: readonly Call[]) =>
              prepared.map((one) => ({ ...one, body: Buffer.from(JSON.stringify(said)) })),
          });
        },
      };
      const server = await serve((_index, request, response, body) => {
        if (request.url === '/call/2') void streamTokens(response, 4, 0);
        else response.end(`kv-${String(body)}`);
      });
      closing.push(server.close);
      const ended = await client(server.url, twoSteps).ask(0);
      assert.deepEqual([ended.outcome, ended.tokens, ended.sent], ['ok', 4, 1]);
      assert.deepEqual(server.seen.at(-1)?.body, ['kv-first', 'kv-second']);
    });

    it('ends an exchange at its first failure, and aborts the siblings', async () => {
      const aborted = Promise.withResolvers<void>();
      const server = await serve((_index, request, response) => {
        if (request.url === '/bad') setTimeout(() => response.writeHead(500).end('{"error":"boom"}'), 20);
        else
          response
            .on('close', () => aborted.resolve())
            .writeHead(200)
            .write(tokenEvent());
      });
      closing.push(server.close);
      const codec: Codec = {
        ...openai,
        open: () => [
          { id: 0, role: 'stream', endpoint: 0, path: '/good', headers: {}, body: Buffer.from('1') },
          { id: 1, role: 'reply', endpoint: 0, path: '/bad', headers: {}, body: Buffer.from('1') },
        ],
      };
      const ended = await client(server.url, codec).ask(0);
      assert.deepEqual([ended.outcome, ended.error], ['http_error', 'boom']);
      await aborted.promise;
    });
  });
