import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import type { CacheReset } from '../schema/manifest.ts';
import { byMetric, type ServerSample } from '../schema/server-metrics.ts';
import type { Request } from '../core/request.ts';
import type { SingleRequests } from '../replay/single-requests.ts';
import { urlBelow, type ServerAccess } from '../replay/transport.ts';
import { statusOnce } from './http-once.ts';
import { metricsPage, openScraper, type Scraper } from './scrape.ts';

/** Of vLLM in its development mode, and of SGLang, which waits until it is idle, for at most so many seconds. */
export const CACHE_RESET_ROUTES = ['/reset_prefix_cache', '/flush_cache?timeout=30'];
const PATIENCE_MS = 60_000;
/** The request before may still hold KV blocks: vLLM then keeps all and answers 200, SGLang answers 400. */
const ATTEMPTS = 4;
const PAUSE_MS = 500;
/** Counters follow an answer by a moment. */
const COUNTED_WITHIN_MS = 2000;
const SCRAPE_EVERY_MS = 100;

/** For one token, with a prompt of several KV blocks that no request of a workload has. */
const PROBE: Request = { id: 'cache-check', traceRow: 0, dueUs: 0, inputTokens: 256, outputTokens: 1 };

/**
 * Empties the prefix cache of every server of a target and verifies it: a prompt that was cached is not cached any more.
 * Throws a UserError if one cannot or does not empty it. `verified_by` is null where neither answers nor counters show
 * cache hits; of several servers the first one's counters are read. `promptServers`: how many of them take prompts, in turn:
 * each is sent the prompt.
 */
export async function resetCache(
  requests: SingleRequests,
  servers: readonly [ServerAccess, ...ServerAccess[]],
  promptServers: number,
): Promise<CacheReset> {
  const [server] = servers;
  const scraper = openScraper(metricsPage(server));
  try {
    const probed = (): Promise<Found> => probe(requests, promptServers, scraper);
    await probed();
    const found = await probed();
    const verified_by = found.cachedTokens > 0 ? 'cached_tokens' : found.hits > 0 ? 'hit_counters' : null;
    for (let attempt = 1; ; attempt++) {
      const [route = ''] = await Promise.all(servers.map(reset));
      if (verified_by === null) return { route, verified_by };
      const { cachedTokens, hits } = await probed();
      const left = verified_by === 'cached_tokens' ? cachedTokens : hits;
      if (left === 0) return { route, verified_by };
      if (attempt === ATTEMPTS)
        throw unreachable(
          `${server.url.href} said that POST ${route} was done, but still finds ${left} tokens of a prompt in its cache (by ${verified_by}); vLLM keeps all while any request runs, or any prompt is held for a decode server: see that nothing else uses it, start it anew, or leave out --reset-cache`,
        );
      await sleep(PAUSE_MS);
    }
  } finally {
    await scraper.close();
  }
}

interface Found {
  /** From the answers, summed; 0 where they have no such number. */
  readonly cachedTokens: number;
  /** From the server's counters. */
  readonly hits: number;
}

async function probe(requests: SingleRequests, promptServers: number, scraper: Scraper): Promise<Found> {
  const before = await counters(scraper);
  let cachedTokens = 0;
  for (let i = 0; i < promptServers; i++) {
    const result = await requests.send(PROBE);
    if (result.kind === 'failed')
      throw unreachable(
        `a prompt of ${PROBE.inputTokens} tokens, to see what is cached, was not answered: ${result.why}`,
      );
    cachedTokens += result.response.cachedTokens ?? 0;
  }
  const hits = before === null ? 0 : (await countersAfter(before, scraper)).hits - before.hits;
  return { cachedTokens, hits };
}

/** The counters once they have counted one more prompt, or as they are after a while. */
async function countersAfter(before: Counters, scraper: Scraper): Promise<Counters> {
  for (let waitedMs = 0; ; waitedMs += SCRAPE_EVERY_MS) {
    const now = (await counters(scraper)) ?? before;
    if (now.queries !== before.queries || waitedMs >= COUNTED_WITHIN_MS) return now;
    await sleep(SCRAPE_EVERY_MS);
  }
}

interface Counters {
  readonly queries: number;
  readonly hits: number;
}

async function counters(scraper: Scraper): Promise<Counters | null> {
  const scrape = await scraper.scrape(AbortSignal.timeout(COUNTED_WITHIN_MS));
  if (scrape.kind !== 'read') return null;
  const metrics = byMetric(scrape.samples);
  const [queries, hits] = [metrics.get('cache_queries'), metrics.get('cache_hits')];
  return queries === undefined || hits === undefined ? null : { queries: sum(queries), hits: sum(hits) };
}

/** Empties the cache through the first route that the server has, and returns it. */
async function reset(server: ServerAccess): Promise<string> {
  for (const route of CACHE_RESET_ROUTES)
    for (let attempt = 1; ; attempt++) {
      const status = await post(server, route);
      if (status < 300) return route;
      if (status === 404 || status === 405) break;
      if (status === 401 || status === 403 || attempt === ATTEMPTS)
        throw unreachable(
          `${server.url.href} answers HTTP ${status} to POST ${route}; see that it is idle and takes your key, or leave out --reset-cache`,
        );
      await sleep(PAUSE_MS);
    }
  throw unreachable(
    `${server.url.href} has neither /reset_prefix_cache nor /flush_cache; start vLLM with VLLM_SERVER_DEV_MODE=1 in its environment (SGLang needs nothing), or leave out --reset-cache`,
  );
}

async function post(server: ServerAccess, route: string): Promise<number> {
  try {
    return await statusOnce(urlBelow(server, route), server, PATIENCE_MS, { headers: {}, body: new Uint8Array() });
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw unreachable(`POST ${route} of ${server.url.href}: ${messageOf(thrown)}`);
  }
}

function sum(samples: readonly ServerSample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}

function unreachable(what: string): UserError {
  return new UserError(`--reset-cache: ${what}`, { exitCode: EXIT.unreachable });
}
