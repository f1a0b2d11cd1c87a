import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createRaw, type Server } from 'node:net';
import { after, describe, it } from 'node:test';
import { EXIT, UserError } from '../../src/core/errors.ts';
import { SILENT } from '../../src/core/log.ts';
import { parseEngineSpec } from '../../src/engine/index.ts';
import { serveEngine, type DIALECT_NAMES } from '../../src/engine/server/index.ts';
import { probeServer, type ProbeSpec } from '../../src/probe/probe.ts';
import { defineTarget, type TargetOptions } from '../../src/run/run-options.ts';
import { probeSchema, type ProbeReport } from '../../src/schema/probe.ts';
import { resolveWorkload } from '../../workloads/index.ts';
import { freePort, sse, streamTokens } from '../servers.ts';

const closing: (() => unknown)[] = [];
after(() => Promise.all(closing.map((close) => close())));

const SHORT = { connections: [2], loadS: 0.1 };

async function probe(
  url: string,
  options: Omit<TargetOptions, 'target'> = {},
  more: Partial<ProbeSpec> & { readonly stop?: AbortSignal } = {},
): Promise<ProbeReport> {
  const { stop = new AbortController().signal, ...spec } = more;
  const target = defineTarget({ ...options, target: url });
  const report = await probeServer(
    { target, workload: null, seed: 1, frontEnd: SHORT, ...spec },
    { nowIso: () => '2026-11-29T10:00:00.000Z', newSalt: () => 'salt', log: SILENT, step: () => undefined, stop },
  );
  assert.deepEqual(probeSchema.parse(JSON.parse(JSON.stringify(report))), report);
  return report;
}

async function engine(dialect: (typeof DIALECT_NAMES)[number], system = ''): Promise<string> {
  const server = await serveEngine(parseEngineSpec(system), { host: '127.0.0.1', port: 0, dialect });
  closing.push(() => server.close());
  return server.url;
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  closing.push(() => server.close());
  return `http://127.0.0.1:${address.port}/`;
}

function http(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  closing.push(() => server.closeAllConnections());
  return listen(server);
}

const worksIn = ({ endpoints }: ProbeReport): string[] =>
  endpoints.filter(({ works }) => works).map(({ endpoint }) => endpoint);
const whyIn = ({ endpoints }: ProbeReport): string => endpoints.map(({ why }) => why).join('\n');
const answersOf = ({ front_end }: ProbeReport): Record<string, number> =>
  Object.fromEntries((front_end?.routes ?? []).map(({ kind, loads }) => [kind, loads[0]?.answers ?? -1]));

describe('a probe of the reference engine in each dialect', () => {
  const cases = [
    ['vllm', ['completions', 'chat'], 'token_ids', '/reset_prefix_cache', true],
    ['sglang', ['generate', 'completions', 'chat'], 'usage', '/flush_cache', true],
    ['openai', ['completions', 'chat'], 'chunks', null, false],
  ] as const;
  for (const [dialect, endpoints, countedBy, route, isCountable] of cases)
    it(`${dialect}: ${endpoints.join(', ')}, counted by ${countedBy}`, async () => {
      const report = await probe(await engine(dialect, 'max_model_len=2000'));
      const { server, pages, floor } = report;
      assert.deepEqual([server.engine, server.adapter, server.context_tokens], ['reprise', dialect, 2000]);
      assert.deepEqual([server.model, server.models, server.models_why], ['llama-3.1-8b', ['llama-3.1-8b'], null]);
      assert.deepEqual(worksIn(report), endpoints);
      assert.equal(report.endpoints[0]?.counted_by, countedBy);
      assert.deepEqual([pages.cache_reset.route, pages.tokenize.works], [route, isCountable]);
      assert.equal(pages.metrics.known > 3, isCountable);
      assert.ok(floor.handshake_ms !== null && floor.handshake_ms.n === 50 && floor.handshake_ms.p50 > 0);
      assert.deepEqual([floor.page, floor.round_trip_ms?.n], ['/health', 50]);
      assert.ok((floor.resolution_ms ?? 0) >= 0.001);
      for (const [kind, answers] of Object.entries(answersOf(report))) assert.ok(answers > 0, kind);
      const failures = report.front_end?.routes.flatMap(({ loads }) => loads.flatMap((load) => load.failures));
      assert.deepEqual(failures, []);
      const isWarned = report.warnings.some(({ text }) => text.includes('one a chunk'));
      assert.equal(isWarned, countedBy === 'chunks');
    });

  it('asks the endpoint and the adapter that are named, and refuses a model that is not there', async () => {
    const url = await engine('sglang');
    const chat = await probe(url, { endpoint: 'chat', adapter: 'openai' }, { frontEnd: null });
    assert.deepEqual([chat.server.adapter, chat.endpoints.length, worksIn(chat)], ['openai', 1, ['chat']]);
    assert.equal(chat.front_end, null);
    await assert.rejects(
      probe(url, { model: 'llama' }),
      /--model: .* does not serve "llama"; did you mean "llama-3.1-8b"/,
    );
  });

  it('leaves the cache as it is', async () => {
    let posted: string[] = [];
    const url = await http((request, response) => {
      if (request.method === 'POST') posted.push(request.url ?? '');
      if (request.method === 'OPTIONS') response.writeHead(405, { allow: 'POST' }).end();
      else if (request.method === 'GET') response.writeHead(404).end();
      else void streamTokens(response, 1, 0);
    });
    const report = await probe(url, {}, { frontEnd: null });
    assert.equal(report.pages.cache_reset.route, '/reset_prefix_cache');
    posted = posted.filter((path) => /cache/.test(path));
    assert.deepEqual(posted, []);
  });

  it('says whether a workload fits', async () => {
    const workload = { path: resolveWorkload('chat'), onBadRow: 'fail', transforms: [] } as const;
    const faster = { ...workload, transforms: [{ op: 'speed', args: { factor: 1e6 } }] };
    const url = await engine('vllm', 'max_model_len=100');
    const one = await probe(url, {}, { workload });
    const all = await probe(url, {}, { workload: faster, frontEnd: null });
    const requests = all.workload?.requests ?? 0;
    assert.equal(all.workload?.busiest_second.requests, requests);
    assert.ok((one.workload?.busiest_second.requests ?? 0) < requests);
    assert.ok((one.workload?.carried_rps ?? 0) > 0);
    assert.equal(all.workload?.fits, 'unknown');
    assert.equal(one.workload?.fits_context, false);
    assert.ok(one.warnings.some(({ of, text }) => of === 'workload' && /the context of .* is 100/.test(text)));
    assert.notEqual(one.workload?.plan_sha256, all.workload?.plan_sha256);
  });
});

describe('a probe of a server that', () => {
  it('refuses connections ends with exit code 3', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    await assert.rejects(probe(url), (thrown) => {
      assert.ok(thrown instanceof UserError && thrown.exitCode === EXIT.unreachable);
      return /cannot reach .*is the server running/.test(thrown.message);
    });
  });

  it('wants a key is told so, and its open page is loaded all the same', async () => {
    const url = await http((request, response) => {
      if (request.url === '/health') response.end();
      else response.writeHead(401).end('{"error":{"message":"bad key sk-secret"}}');
    });
    const report = await probe(url, { header: ['authorization: Bearer sk-secret'] });
    assert.match(report.server.models_why ?? '', /refuses the credentials \(401 on \/v1\/models\)/);
    assert.match(whyIn(report), /refuses the credentials \(401 on \/v1\/completions\)/);
    assert.deepEqual(answersOf(report).completion, -1);
    assert.ok((answersOf(report).health ?? 0) > 0);
    assert.ok(!JSON.stringify(report).includes('sk-secret'));
    assert.match(report.warnings[0]?.text ?? '', /no endpoint of adapter openai answers/);
  });

  it('answers everything with a page of HTML has no endpoint, no metrics and no models', async () => {
    const url = await http((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<html>Welcome</html>'),
    );
    const report = await probe(url);
    assert.deepEqual([worksIn(report), report.server.models, report.server.engine], [[], [], null]);
    assert.match(whyIn(report), /no stream of tokens .*content-type text\/html.*Welcome/);
    assert.match(report.pages.metrics.why ?? '', /none that Reprise knows/);
    assert.match(report.pages.tokenize.why ?? '', /without a list of tokens/);
  });

  it('resets every connection after a request', async () => {
    const url = await listen(
      createRaw((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.resetAndDestroy());
      }),
    );
    const report = await probe(url);
    assert.deepEqual(worksIn(report), []);
    assert.equal(report.floor.handshake_ms?.n, 50);
    assert.equal(report.floor.round_trip_ms, null);
    assert.ok(report.front_end?.routes.every(({ why }) => why !== null));
    assert.doesNotMatch(report.pages.tokenize.why ?? '', /--tokenizer/, 'an option that a probe does not have');
  });

  it('quotes the key when it is overloaded, in a stream or before it', async () => {
    const busy = sse({ error: { message: 'over quota for sk-secret' } });
    const url = await http((request, response) => {
      if (request.method === 'GET') response.writeHead(404).end();
      else if (request.headers['x-request-id']?.toString().endsWith('-capability-probe') === true)
        void streamTokens(response, 5, 0);
      else response.end(busy);
    });
    const report = await probe(url, { header: ['x-key: sk-secret'] });
    const [load] = report.front_end?.routes.find(({ kind }) => kind === 'completion')?.loads ?? [];
    assert.equal(load?.answers, 0);
    assert.deepEqual(
      load?.failures.map(({ what }) => what),
      ['over quota for ***'],
    );
    assert.match(
      report.warnings.map(({ text }) => text).join(),
      /fails from 2 connections on: 100 % of requests there/,
    );
  });

  it('is slow: parts that take too long are told, and the probe ends when it is stopped', async () => {
    const url = await http((request, response) => {
      if (request.url?.startsWith('/v1') !== true) response.writeHead(404).end();
    });
    const stop = new AbortController();
    const started = performance.now();
    setTimeout(() => stop.abort(new Error('interrupted')), 300);
    await assert.rejects(probe(url, {}, { stop: stop.signal }), /interrupted/);
    assert.ok(performance.now() - started < 3000);
  });

  it('answers nothing ends with exit code 3, and is not asked for everything else', async () => {
    const url = await listen(createRaw((socket) => void closing.push(() => socket.destroy())));
    const started = performance.now();
    await assert.rejects(probe(url), (thrown) => {
      assert.ok(thrown instanceof UserError && thrown.exitCode === EXIT.unreachable);
      return /takes connections and answers nothing/.test(thrown.message);
    });
    assert.ok(performance.now() - started < 20_000);
  });

  it('lets its root page wait, and answers others, is asked as any', async () => {
    const url = await http((request, response) => {
      if (request.method === 'POST') void streamTokens(response, 1, 0);
      else if (request.url !== '/') response.writeHead(404).end();
    });
    assert.deepEqual(worksIn(await probe(url, { endpoint: 'completions' }, { frontEnd: null })), ['completions']);
  });

  it('is one side of a disaggregated deployment is told so', async () => {
    const server = await serveEngine(parseEngineSpec('vllm-pd'), {
      host: '127.0.0.1',
      port: 0,
      decodePort: 0,
      dialect: 'sglang',
    });
    closing.push(() => server.close());
    for (const [url, role] of [
      [server.url, 'prefill'],
      [server.decodeUrl ?? '', 'decode'],
    ] as const)
      assert.match(whyIn(await probe(url, {}, { frontEnd: null })), new RegExp(`^it is the ${role} server of a`));
  });

  it('is none, but the reference engine by its name', async () => {
    await assert.rejects(probe('reference:vllm-v1'), /reprise engine serve/);
  });
});
