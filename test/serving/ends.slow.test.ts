import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALL_CAPABILITIES, type ApiEndpoint } from '../../adapters/index.ts';
import { UserError } from '../../src/core/errors.ts';
import { USUAL_BODY } from '../../adapters/body-options.ts';
import { detect, type Detected } from '../../src/serving/detect.ts';
import { statusOnce } from '../../src/serving/http-once.ts';
import { reachTarget } from '../../src/serving/reach.ts';
import { metricsPage, openScraper } from '../../src/serving/scrape.ts';
import { promptMaker } from '../../workloads/index.ts';
import { DONE, sse } from '../servers.ts';

const closing: (() => unknown)[] = [];
after(() => Promise.all(closing.map((close) => close())));

const MODELS = JSON.stringify({ data: [{ id: 'tiny' }] });
const delta = (content: string, finish: string | null = null): string =>
  sse({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] });
const WHOLE = delta('a') + delta('b', 'length');

/** A server that lists a model and answers POSTs as `answer` does. */
async function serving(answer: (response: ServerResponse, path: string) => unknown): Promise<URL> {
  const server = createServer((request, response) => {
    if (request.url === '/v1/models') response.end(MODELS);
    else if (request.method === 'GET') response.writeHead(404).end();
    else request.resume().on('end', () => void answer(response, request.url ?? ''));
  }).listen(0, '127.0.0.1');
  return urlOf(server);
}

async function urlOf(server: ReturnType<typeof createServer>): Promise<URL> {
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return new URL(`http://127.0.0.1:${address.port}`);
}

const access = (url: URL) => ({ url, headers: { authorization: 'Bearer secret-key' }, insecure: false });

function ask(url: URL, endpoint: ApiEndpoint = 'chat', patienceMs = 20_000, adapter = 'openai'): Promise<Detected> {
  const asked = {
    adapter,
    endpoint,
    model: null,
    runId: 'run',
    patienceMs,
    mayEcho: false,
    prefers: null,
    body: USUAL_BODY,
  };
  return detect(access(url), asked, promptMaker({ seed: 1, blockTokens: null }));
}

const unreachable =
  (message: RegExp) =>
  (thrown: unknown): boolean =>
    thrown instanceof UserError && thrown.exitCode === 3 && message.test(thrown.message);

describe('the probe', () => {
  it('has its answer at [DONE], though the connection stays open', async () => {
    const url = await serving((response) => response.writeHead(200).write(WHOLE + DONE));
    const started = performance.now();
    const { capabilities, counting } = await ask(url);
    assert.ok(performance.now() - started < 3000);
    assert.deepEqual([capabilities?.ignoreEos, counting?.by], [true, 'chunks']);
  });

  it('has it soon behind a finish reason without [DONE], and in the end behind tokens alone', async () => {
    const finished = await serving((response) => response.writeHead(200).write(WHOLE));
    assert.equal((await ask(finished)).counting?.by, 'chunks');
    const open = await serving((response) => response.writeHead(200).write(delta('a') + delta('b')));
    const { counting, warnings } = await ask(open, 'chat', 600);
    assert.equal(counting?.by, 'chunks');
    assert.doesNotMatch(warnings.join('\n'), /did not answer/);
  });

  it('quotes the reason of a server that aborts in the first event', async () => {
    const reason = { type: 'abort', message: 'out of KV cache', status_code: 500 };
    const event = sse({ text: '', meta_info: { id: 'x'.repeat(300), finish_reason: reason } });
    const url = await serving((response) => response.writeHead(200).end(event + DONE));
    await assert.rejects(
      ask(url, 'generate', 5000, 'sglang'),
      unreachable(/200 on \/generate: the server aborted the request: out of KV cache/),
    );
  });

  it('asks again where the server says inside of a 200 that it is busy', async () => {
    const full = { type: 'abort', message: 'The request queue is full.', status_code: 503 };
    const meta = (finish: unknown): string =>
      sse({ text: 'a', meta_info: { finish_reason: finish, completion_tokens: 1 } });
    const cases: [endpoint: ApiEndpoint, adapter: string, busy: string, whole: string][] = [
      ['generate', 'sglang', sse({ text: '', meta_info: { finish_reason: full } }), meta({ type: 'length' })],
      ['chat', 'openai', sse({ error: { code: 429, message: 'slow down' } }), WHOLE],
      ['chat', 'openai', delta('').replace('"finish_reason":null', `"finish_reason":${JSON.stringify(full)}`), WHOLE],
    ];
    for (const [endpoint, adapter, busy, whole] of cases) {
      let asked = 0;
      const url = await serving((response) => response.writeHead(200).end((asked++ === 0 ? busy : whole) + DONE));
      const { capabilities, counting } = await ask(url, endpoint, 5000, adapter);
      assert.deepEqual([capabilities?.ignoreEos, counting?.by !== null], [true, true], busy);
    }
  });

  it('takes an error of any form for a refusal, and asks for less', async () => {
    for (const refusal of [
      { code: 400, msg: 'unknown field min_tokens' },
      { message: 'unknown field min_tokens' },
      { choices: [], message: 'unknown field min_tokens' },
    ]) {
      let asked = 0;
      const url = await serving((response) => response.writeHead(200).end(asked++ === 0 ? sse(refusal) + DONE : WHOLE));
      assert.deepEqual((await ask(url)).capabilities, {
        ...ALL_CAPABILITIES,
        returnTokenIds: false,
        continuousUsage: false,
        minTokens: false,
      });
    }
  });

  it('has its answer behind a remark, and behind errors that say that all is well', async () => {
    const queue = sse({ message: 'Your request is number 3 in the queue' });
    const fine = WHOLE.replaceAll('data: {', 'data: {"error":{"code":0,"message":"success"},');
    for (const answer of [queue + WHOLE, fine]) {
      const url = await serving((response) => response.writeHead(200).end(answer + DONE));
      assert.equal((await ask(url)).counting?.by, 'chunks');
    }
  });

  it('names a redirect and a compressed answer for what they are', async () => {
    const redirect = await serving((response, path) => response.writeHead(307, { location: `/new${path}` }).end());
    await assert.rejects(
      ask(redirect),
      unreachable(/redirects to http:\/\/127\.0\.0\.1:\d+\/new\/v1\/chat\/completions,.*--target/),
    );
    const packed = await serving((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('1f8b'));
    await assert.rejects(ask(packed), unreachable(/compressed \(content-encoding gzip\)/));
  });
});

describe('pages whose connection stays open', () => {
  it('are over with their JSON, their status, or the last line of metrics', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/v1/models') response.write(MODELS);
      else if (request.url === '/metrics') response.write('vllm:num_requests_running 3\n');
      else if (request.method === 'GET') response.writeHead(404).flushHeaders();
      else if (request.url === '/reset_prefix_cache') response.writeHead(200).flushHeaders();
      else request.resume().on('end', () => response.writeHead(200).write(WHOLE + DONE));
    }).listen(0, '127.0.0.1');
    const url = await urlOf(server);
    const started = performance.now();
    const status = await statusOnce(new URL('/reset_prefix_cache', url), access(url), 20_000, {
      headers: {},
      body: new Uint8Array(),
    });
    assert.equal(status, 200);
    assert.deepEqual(
      (await reachTarget(access(url))).map(({ id }) => id),
      ['tiny'],
    );
    const scraper = openScraper(metricsPage(access(url)));
    const scraped = await scraper.scrape(AbortSignal.timeout(5000));
    await scraper.close();
    assert.deepEqual([scraped.kind, 'samples' in scraped ? scraped.samples.length : 0], ['read', 1]);
    assert.ok(performance.now() - started < 4000);
  });

  it('are not cut where more of them comes', async () => {
    const server = createServer(async (_request, response) => {
      response.write('vllm:num_requests_running 3\n');
      await sleep(300);
      response.end('vllm:num_requests_waiting 4\n');
    }).listen(0, '127.0.0.1');
    const scraper = openScraper(metricsPage(access(await urlOf(server))));
    const scraped = await scraper.scrape(AbortSignal.timeout(5000));
    await scraper.close();
    assert.equal('samples' in scraped ? scraped.samples.length : 0, 2);
  });
});
