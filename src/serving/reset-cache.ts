import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import type { CacheReset } from '../schema/manifest.ts';
import { byMetric, type ServerSample } from '../schema/server-metrics.ts';
import type { Request } from '../core/request.ts';
import type { SingleRequests } from '../replay/single-requests.ts';
import { urlBelow, type ServerAccess } from '../replay/transport.ts';
import { httpOnce } from './http-once.ts';
import { metricsPage, openScraper, type Scraper } from './scrape.ts';

/** vLLM in its development mode; SGLang, which waits for so many seconds until it is idle. */
const ROUTES = ['/reset_prefix_cache', '/flush_cache?timeout=30'];
const PATIENCE_MS = 60_000;
/** What was just asked may still hold blocks: vLLM then keeps all and says 200, SGLang says 400. */
const ATTEMPTS = 4;
const PAUSE_MS = 500;
/** Counters follow an answer by a moment. */
const COUNTED_WITHIN_MS = 2000;
const LOOK_EVERY_MS = 100;

/** Of one token, and long enough for several blocks. Its prompt is no request's of any workload. */
const PROBE: Request = { id: 'cache-check', traceRow: 0, dueUs: 0, inputTokens: 256, outputTokens: 1 };

/**
 * Empties a server's prefix cache and sees to it that it is empty: a prompt that was found in it is not found any more.
 * Throws a UserError if the server cannot or does not empty it. `verified_by` is null where it does not tell.
 */
export async function resetCache(requests: SingleRequests, server: ServerAccess): Promise<CacheReset> {
  const scraper = openScraper(metricsPage(server));
  try {
    await probe(requests, scraper);
    const found = await probe(requests, scraper);
    const verified_by = found.cachedTokens > 0 ? 'cached_tokens' : found.hits > 0 ? 'hit_counters' : null;
    for (let attempt = 1; ; attempt++) {
      const route = await reset(server);
      if (verified_by === null) return { route, verified_by };
      const { cachedTokens, hits } = await probe(requests, scraper);
      const left = verified_by === 'cached_tokens' ? cachedTokens : hits;
      if (left === 0) return { route, verified_by };
      if (attempt === ATTEMPTS)
        throw unreachable(
          `${server.url.href} said that POST ${route} was done, but still finds ${left} tokens of a prompt in its cache (by ${verified_by}); vLLM keeps all while any request runs: see that nothing else uses it, start it anew, or leave out --reset-cache`,
        );
      await sleep(PAUSE_MS);
    }
  } finally {
    await scraper.close();
  }
}

interface Found {
  /** As the answer says; 0 where it says nothing. */
  readonly cachedTokens: number;
  /** As the server's counters say. */
  readonly hits: number;
}

async function probe(requests: SingleRequests, scraper: Scraper): Promise<Found> {
  const before = await counters(scraper);
  const result = await requests.send(PROBE);
  if (result.kind === 'failed')
    throw unreachable(
      `a prompt of ${PROBE.inputTokens} tokens, to see what is cached, was not answered: ${result.why}`,
    );
  const hits = before === null ? 0 : (await countersAfter(before, scraper)).hits - before.hits;
  return { cachedTokens: result.response.cachedTokens ?? 0, hits };
}

/** Once they have counted one more prompt; as they are if that does not come. */
async function countersAfter(before: Counters, scraper: Scraper): Promise<Counters> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const now = (await counters(scraper)) ?? before;
    if (now.queries !== before.queries || waitedMs >= COUNTED_WITHIN_MS) return now;
    await sleep(LOOK_EVERY_MS);
  }
}

interface Counters {
  readonly queries: number;
  readonly hits: number;
}

async function counters(scraper: Scraper): Promise<Counters | null> {
  const look = await scraper.scrape(AbortSignal.timeout(COUNTED_WITHIN_MS));
  if (look.kind !== 'read') return null;
  const told = byMetric(look.samples);
  const [queries, hits] = [told.get('cache_queries'), told.get('cache_hits')];
  return queries === undefined || hits === undefined ? null : { queries: sum(queries), hits: sum(hits) };
}

/** The route that was taken. */
async function reset(server: ServerAccess): Promise<string> {
  for (const route of ROUTES)
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
    return (await httpOnce(server, route, PATIENCE_MS, { headers: {}, body: new Uint8Array() })).status;
  } catch (thrown) {
    throw unreachable(`POST ${urlBelow(server.url, route).href}: ${messageOf(thrown)}`);
  }
}

function sum(samples: readonly ServerSample[]): number {
  return samples.reduce((total, { value }) => total + value, 0);
}

function unreachable(what: string): UserError {
  return new UserError(`--reset-cache: ${what}`, { exitCode: EXIT.unreachable });
}
