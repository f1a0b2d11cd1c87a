import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTarget, run, UserError } from '../../src/index.ts';
import { temporaryFolder } from '../cli.ts';
import { maxTokens, streamTokens } from '../servers.ts';

const folder = temporaryFolder();
const trace = join(folder, 'trace.csv');
writeFileSync(trace, 'arrival_s,input_tokens,output_tokens\n0,20,5\n0.1,20,5\n');

/** A server that answers as vLLM does, but for the requests that `isSilent` names; those are counted. */
async function serveUntil(isSilent: (path: string, id: string) => boolean) {
  const all: string[] = [];
  let silent = 0;
  const server: Server = createServer((request: IncomingMessage, response) => {
    const [path, id] = [request.url ?? '', String(request.headers['x-request-id'] ?? '')];
    all.push(`${path} ${id}`);
    if (isSilent(path, id)) {
      silent++;
      return;
    }
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        if (path === '/v1/models') response.end('{"data":[{"id":"tiny","owned_by":"vllm"}]}');
        else if (request.method !== 'POST') response.writeHead(404).end();
        else if (path === '/reset_prefix_cache') response.end();
        else void streamTokens(response, maxTokens(JSON.parse(Buffer.concat(chunks).toString())), 0);
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { server, target: `http://127.0.0.1:${port}`, all, silent: () => silent };
}

const CASES: readonly [what: string, isSilent: Parameters<typeof serveUntil>[0], options: object][] = [
  ['the list of models', (path) => path === '/v1/models', {}],
  ['a page that names the engine', (path) => path === '/version', {}],
  ['the capability probe', (_path, id) => id.endsWith('capability-probe'), {}],
  ['the length of a prompt', (_path, id) => id.endsWith('prompt-length'), { endpoint: 'chat' }],
  ['a tokenizer', (path) => path === '/tokenize', { endpoint: 'chat', tokenizer: 'server' }],
  ['warm-up requests', (_path, id) => id.includes('warm-up'), { warmupRequests: 20 }],
  ['what is in a prefix cache', (_path, id) => id.includes('cache-check'), { resetCache: true }],
  ['the reset of a prefix cache', (path) => path === '/reset_prefix_cache', { resetCache: true }],
];

describe('a run that is stopped before its replay, while the server does not answer', { concurrency: 2 }, () => {
  for (const [what, isSilent, options] of CASES)
    it(`${what}: ends at once, sends nothing more, leaves no run directory`, async () => {
      const server = await serveUntil(isSilent);
      const stop = new AbortController();
      const out = join(folder, what.replaceAll(' ', '-'));
      const ended = run({ workload: trace, target: server.target, out, ...options }, { stop: stop.signal });
      let isOver = false;
      ended.catch(() => undefined).finally(() => (isOver = true));
      while (server.silent() === 0) {
        assert.equal(isOver, false, 'the run ended before the server was silent');
        await sleep(10);
      }
      await sleep(50);
      const sent = server.all.length;
      const fromMs = performance.now();
      stop.abort(new Error('interrupted by a test'));
      await assert.rejects(
        ended,
        (thrown) => thrown instanceof UserError && /interrupted by a test/.test(thrown.message),
      );
      assert.ok(performance.now() - fromMs < 5000, 'on a shared machine; at once on a quiet one');
      assert.equal(existsSync(out), false);
      for (let open = 1, waits = 0; open > 0; waits++) {
        open = await new Promise<number>((resolve) => server.server.getConnections((_error, count) => resolve(count)));
        assert.ok(waits < 300, 'its connections are closed');
        await sleep(20);
      }
      assert.equal(server.all.length, sent, server.all.join('\n'));
    });

  it('openTarget too', async () => {
    const server = await serveUntil((_path, id) => id.endsWith('capability-probe'));
    const stop = new AbortController();
    const opening = openTarget({ target: server.target }, { stop: stop.signal });
    while (server.silent() === 0) await sleep(10);
    stop.abort(new Error('interrupted by a test'));
    await assert.rejects(opening, UserError);
  });

  it('the reference engine does not outlive a run that is stopped while it starts', async () => {
    const stop = new AbortController();
    const out = join(folder, 'engine');
    const ended = run({ workload: trace, target: 'reference', out }, { stop: stop.signal });
    setTimeout(() => stop.abort(new Error('interrupted by a test')), 100);
    await assert.rejects(ended, /interrupted by a test before the replay began/);
    assert.equal(existsSync(out), false);
  });

  it('a signal that aborted before does not even read the trace', async () => {
    const stop = AbortSignal.abort(new Error('interrupted by a test'));
    await assert.rejects(run({ workload: trace, target: 'reference' }, { stop }), /interrupted by a test before/);
  });
});
