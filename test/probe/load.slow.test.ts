import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { sum } from '../../src/metrics/samples.ts';
import { openLoader, type Load, type LoadResult } from '../../src/probe/load.ts';
import { DONE, tokenEvent } from '../servers.ts';

const loader = openLoader();
const servers: Server[] = [];
after(async () => {
  await loader.close();
  servers.forEach((server) => server.close());
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

const http = (answer: RequestListener): Promise<number> => listen(createHttp(answer));
/** A server that does with each connection, once it has sent something, what `answer` says. */
const raw = (answer: (socket: Socket) => void): Promise<number> =>
  listen(
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
    }),
  );

function load(port: number, more: Partial<Load> = {}): Promise<LoadResult> {
  const url = `http://127.0.0.1:${port}/`;
  const plain = { url, insecure: false, method: 'GET', headers: {}, body: null, reader: null } as const;
  return loader.run({ ...plain, connections: 4, seconds: 0.4, maxRequests: 100_000, ...more });
}

describe('a load', () => {
  it('counts good answers with their latencies, and bad ones by what they are', async () => {
    let seen = 0;
    const port = await http((_request, response) => {
      seen++;
      setTimeout(() => response.writeHead(seen % 4 === 0 ? 503 : 200).end('{}'), 20);
    });
    const result = await load(port);
    assert.ok(result.answers > 3, `${result.answers}`);
    assert.deepEqual(Object.keys(result.failures), ['HTTP 503']);
    assert.equal(result.latenciesMs.length, result.answers);
    assert.ok((result.latenciesMs[0] ?? 0) >= 19, 'no answer is quicker than the server');
    assert.ok(result.ended >= result.answers + (result.failures['HTTP 503'] ?? 0));
  });

  it('of a server that closes connections: each is a new one, as many as there should be', async () => {
    let [open, most, served] = [0, 0, 0];
    const server = createHttp((_request, response) => {
      served++;
      response.setHeader('connection', 'close').end('{}');
    });
    server.on('connection', (socket) => {
      most = Math.max(most, ++open);
      socket.on('close', () => open--);
    });
    const result = await load(await listen(server));
    assert.ok(result.answers > 8, `${result.answers}`);
    assert.deepEqual(result.failures, {});
    assert.ok(most <= 8, `${most} connections open for 4`);
    assert.ok(served - result.ended <= 8, `${served} requests for ${result.ended} answers`);
    // Little's law: of 4 connections no more than 4 requests are open. autocannon alone counts the latency of each
    // request from an earlier one.
    const inFlight = sum(result.latenciesMs) / 1000 / result.seconds;
    assert.ok(inFlight < 5, `${inFlight} in flight by their latencies`);
  });

  it('of answers that end with their connection, as HTTP/1.0 has them', async () => {
    const result = await load(await raw((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n{}')));
    assert.ok(result.answers > 8, `${result.answers}`);
    assert.deepEqual(result.failures, {});
  });

  const hostile: readonly (readonly [name: string, answer: (socket: Socket) => void, failure: string | null])[] = [
    ['closes without a word', (socket) => socket.destroy(), 'the connection was closed without an answer'],
    ['resets', (socket) => socket.resetAndDestroy(), 'read ECONNRESET'],
    ['never answers', () => undefined, null],
    ['speaks something else', (socket) => socket.write('SSH-2.0-x\r\n'), null],
  ];
  for (const [name, answer, failure] of hostile)
    it(`of a server that ${name}: no answer, and no storm of connections`, async () => {
      let connections = 0;
      const port = await raw((socket) => {
        connections++;
        answer(socket);
      });
      const result = await load(port);
      assert.equal(result.answers, 0);
      assert.deepEqual(Object.keys(result.failures), failure === null ? [] : [failure]);
      assert.ok(connections <= 40, `${connections} connections in 0.4 s`);
    });

  it('reads streams: an error in a 200, and one that breaks off, are failures', async () => {
    const refused = 'data: {"error":{"message":"no room"}}\n\n';
    const bodies = [tokenEvent(' a', 'length') + DONE, refused, tokenEvent('')];
    let seen = 0;
    const port = await http((_request, response) => response.end(bodies[seen++ % bodies.length]));
    const options = { endpoint: 'completions', model: 'm', runId: 'probe' } as const;
    const result = await load(port, { reader: { adapter: 'openai', options } });
    const texts = Object.keys(result.failures).sort();
    assert.deepEqual([texts.length, texts[0]], [2, 'no room'], texts.join());
    const counts = [result.answers, ...Object.values(result.failures)];
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 8, `a third each: ${counts.join()}`);
  });

  it('ends after as many requests as it may send, each with an id of its own', async () => {
    const bodies = new Set<string>();
    const ids = new Set<unknown>();
    let seen = 0;
    const port = await http(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      seen++;
      bodies.add(body);
      ids.add(request.headers['x-request-id']);
      response.end('{}');
    });
    const body = JSON.stringify({ rid: 'probe-[<id>]' });
    const headers = { 'x-request-id': 'probe-[<id>]', 'content-type': 'application/json' };
    const result = await load(port, { method: 'POST', headers, body, maxRequests: 50, seconds: 5 });
    assert.deepEqual([seen, bodies.size, ids.size, result.ended], [50, 50, 50, 50]);
    assert.ok(
      [...bodies].every((text) => /^\{"rid":"probe-[\w-]{33}"\}$/.test(text)),
      [...bodies][0],
    );
    assert.ok(result.seconds < 4);
  });

  it('says when the client is the limit: against a server that waits it is idle', async () => {
    const idle = await load(await http((_request, response) => void setTimeout(() => response.end('{}'), 50)));
    assert.ok(idle.clientBusy < 0.5, `${idle.clientBusy}`);
  });
});

describe('a load over TLS', () => {
  it('sends nothing to a server whose certificate is not trusted, unless told to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reprise-test-'));
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
    const args = ['req', '-x509', ...key, '-subj', '/CN=127.0.0.1', '-days', '2', '-out', certFile];
    execFileSync('openssl', args, { stdio: 'ignore' });
    const tls = { key: readFileSync(keyFile), cert: readFileSync(certFile) };
    rmSync(folder, { recursive: true });
    let [requests, bytes] = [0, 0];
    const server = createHttps(tls, (_request, response) => {
      requests++;
      response.end('{}');
    });
    server.on('secureConnection', (socket) => socket.on('data', (chunk: Buffer) => (bytes += chunk.length)));
    server.on('tlsClientError', () => undefined);
    const url = `https://127.0.0.1:${await listen(server)}/`;
    const refused = await load(0, { url });
    assert.deepEqual([refused.answers, requests, bytes], [0, 0, 0]);
    assert.match(
      Object.keys(refused.failures)[0] ?? '',
      /its certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
    );
    const taken = await load(0, { url, insecure: true });
    assert.ok(taken.answers > 8, JSON.stringify(taken.failures));
  });
});
