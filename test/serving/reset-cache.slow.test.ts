import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeCodec } from '../../adapters/index.ts';
import { EXIT, UserError } from '../../src/core/errors.ts';
import type { CacheReset } from '../../src/schema/manifest.ts';
import { promptMaker } from '../../workloads/index.ts';
import { openSingleRequests } from '../../src/replay/single-requests.ts';
import { resetCache } from '../../src/serving/reset-cache.ts';
import { DONE, serve, sse, tokenEvent } from '../servers.ts';

interface CachingServer {
  /** What a repeated prompt is told to have had. */
  readonly tells?: 'cached_tokens' | 'counters' | 'nothing';
  /** Status of the n-th POST to a route; absent: there is none. */
  readonly routes: Readonly<Record<string, (n: number) => number>>;
  /** Of the resets that say 200, from which on the cache is emptied; none if left out. */
  readonly obeysFrom?: number;
}

/** Resets a server that remembers prompts, and says how often it was asked to. */
async function reset({ tells = 'cached_tokens', routes, obeysFrom }: CachingServer) {
  const known = new Set<string>();
  const counted = { queries: 0, hits: 0 };
  let [posts, done] = [0, 0];
  const server = await serve(
    (_index, { url = '', method }, response, body) => {
      if (url === '/metrics') {
        if (tells === 'nothing') response.writeHead(404).end();
        else
          response.end(
            `vllm:prefix_cache_queries_total ${counted.queries}\nvllm:prefix_cache_hits_total ${tells === 'counters' ? counted.hits : 0}\n`,
          );
        return;
      }
      const route = routes[url];
      if (method === 'POST' && url !== '/v1/completions') {
        const status = route?.(posts++) ?? 404;
        if (status === 200 && ++done >= (obeysFrom ?? Number.POSITIVE_INFINITY)) known.clear();
        response.writeHead(status).end();
        return;
      }
      const prompt = JSON.stringify(body);
      const cached = known.has(prompt) ? 240 : 0;
      known.add(prompt);
      counted.queries += 256;
      counted.hits += cached;
      // As vLLM, which leaves 0 out.
      const details =
        tells === 'cached_tokens' && cached > 0 ? { prompt_tokens_details: { cached_tokens: cached } } : {};
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(tokenEvent(' a', 'length'));
      response.end(sse({ choices: [], usage: { prompt_tokens: 256, completion_tokens: 1, ...details } }) + DONE);
    },
    ['/metrics'],
  );
  const target = { url: server.url, headers: {}, insecure: false };
  const options = { endpoint: 'completions', model: 'tiny', runId: 'r' } as const;
  const codec = makeCodec('openai', options, promptMaker({ seed: 1, blockTokens: null }));
  const requests = openSingleRequests(codec, [target], 10e6);
  try {
    return { result: await resetCache(requests, [target], 1), posts };
  } finally {
    await requests.close();
    await server.close();
  }
}

const always = (status: number) => (): number => status;

describe('--reset-cache', { concurrency: 4 }, () => {
  const cases: [what: string, server: CachingServer, result: CacheReset, posts: number][] = [
    [
      'vLLM in its development mode, verified by what answers say',
      { routes: { '/reset_prefix_cache': always(200) }, obeysFrom: 1 },
      { route: '/reset_prefix_cache', verified_by: 'cached_tokens' },
      1,
    ],
    [
      'one that says so only in its metrics',
      { tells: 'counters', routes: { '/reset_prefix_cache': always(200) }, obeysFrom: 1 },
      { route: '/reset_prefix_cache', verified_by: 'hit_counters' },
      1,
    ],
    [
      'one that says nothing: not verified',
      { tells: 'nothing', routes: { '/reset_prefix_cache': always(200) } },
      { route: '/reset_prefix_cache', verified_by: null },
      1,
    ],
    [
      'one that kept blocks in use and said 200: asked again',
      { routes: { '/reset_prefix_cache': always(200) }, obeysFrom: 3 },
      { route: '/reset_prefix_cache', verified_by: 'cached_tokens' },
      3,
    ],
    [
      'SGLang, busy at first',
      { routes: { '/flush_cache?timeout=30': (n) => (n < 3 ? 400 : 200) }, obeysFrom: 1 },
      { route: '/flush_cache?timeout=30', verified_by: 'cached_tokens' },
      // The first post was to a route that is not there.
      4,
    ],
  ];
  for (const [what, server, result, posts] of cases)
    it(what, async () => {
      const found = await reset(server);
      assert.deepEqual(found.result, result);
      assert.ok(found.posts >= posts - 1 && found.posts <= posts, `${found.posts} posts`);
    });

  const refusals: [what: string, server: CachingServer, names: RegExp][] = [
    [
      'a cache that is not emptied',
      { routes: { '/reset_prefix_cache': always(200) } },
      /said that POST \/reset_prefix_cache was done, but still finds 240 tokens .* \(by cached_tokens\)/,
    ],
    ['no way to empty it', { routes: {} }, /neither \/reset_prefix_cache nor \/flush_cache; .*VLLM_SERVER_DEV_MODE=1/],
    ['a key that is refused', { routes: { '/reset_prefix_cache': always(403) } }, /HTTP 403 to POST/],
    ['a route that fails', { routes: { '/reset_prefix_cache': always(500) } }, /HTTP 500 to POST/],
  ];
  for (const [what, server, names] of refusals)
    it(`${what}: an error that names the way out, exit 3`, async () => {
      await assert.rejects(reset(server), (thrown) => {
        assert.ok(thrown instanceof UserError);
        assert.match(thrown.message, names);
        assert.match(thrown.message, /^--reset-cache: .*leave out --reset-cache/);
        assert.equal(thrown.exitCode, EXIT.unreachable);
        return true;
      });
    });
});

it('--reset-cache of replicas: each that takes prompts is asked what it has cached, and all are emptied', async () => {
  const caches = [new Set<string>(), new Set<string>(), new Set<string>()];
  const servers = await Promise.all(
    caches.map((known) =>
      serve((_index, { url, method }, response, body) => {
        if (url === '/reset_prefix_cache') known.clear();
        if (method !== 'POST' || url !== '/v1/completions') return void response.end();
        const prompt = JSON.stringify(body);
        const cached_tokens = known.has(prompt) ? 240 : 0;
        known.add(prompt);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(tokenEvent(' a', 'length'));
        const usage = { prompt_tokens: 256, completion_tokens: 1, prompt_tokens_details: { cached_tokens } };
        response.end(sse({ choices: [], usage }) + DONE);
      }),
    ),
  );
  const [first, ...others] = servers.map(({ url }) => ({ url, headers: {}, insecure: false }));
  assert.ok(first !== undefined);
  const deployment = { kind: 'replicas', router: 'round-robin', endpoints: [0, 1, 2] } as const;
  const options = { endpoint: 'completions', model: 'tiny', runId: 'r', deployment } as const;
  const codec = makeCodec('openai', options, promptMaker({ seed: 1, blockTokens: null }));
  const requests = openSingleRequests(codec, [first, ...others], 10e6);
  try {
    assert.equal((await resetCache(requests, [first, ...others], 3)).verified_by, 'cached_tokens');
  } finally {
    await requests.close();
    for (const server of servers) await server.close();
  }
});
