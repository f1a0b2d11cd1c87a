import type { ServerAccess } from '../replay/transport.ts';
import type { ProbeReport } from '../schema/probe.ts';
import { byMetric } from '../schema/server-metrics.ts';
import { methodsOf } from '../serving/http-once.ts';
import { CACHE_RESET_ROUTES } from '../serving/reset-cache.ts';
import { metricsPage, openScraper } from '../serving/scrape.ts';
import { tokenizeFault } from '../serving/tokenize.ts';
import { part, whyIn } from './part.ts';

const LIMIT_MS = 5000;

/** What a server has besides its endpoints that a run can use. Nothing on it is changed. */
export async function askPages(access: ServerAccess, model: string): Promise<ProbeReport['pages']> {
  const [tokenize, cacheReset, metrics] = await Promise.all([
    part(access, LIMIT_MS, (limited) => tokenizeFault(limited, model)),
    part(access, LIMIT_MS, cacheResetOf),
    metricsOf(access),
  ]);
  const tokenizeWhy = 'found' in tokenize ? tokenize.found : tokenize.why;
  return {
    tokenize: { works: tokenizeWhy === null, why: tokenizeWhy },
    cache_reset: 'found' in cacheReset ? cacheReset.found : { route: null, why: whyIn(cacheReset) },
    metrics,
  };
}

/** Asked by OPTIONS: a call would empty the cache that others use. */
async function cacheResetOf(access: ServerAccess): Promise<ProbeReport['pages']['cache_reset']> {
  const routes = await Promise.all(
    CACHE_RESET_ROUTES.map(async (route) => ({
      route: route.replace(/\?.*/, ''),
      methods: await methodsOf(access, route, LIMIT_MS),
    })),
  );
  const found = routes.find(({ methods }) => methods?.includes('POST') === true);
  if (found !== undefined) return { route: found.route, why: null };
  const isSilent = routes.some(({ methods }) => methods === null);
  return {
    route: null,
    why: isSilent ? 'it does not tell which routes it has' : `no ${routes.map(({ route }) => route).join(', no ')}`,
  };
}

async function metricsOf(access: ServerAccess): Promise<ProbeReport['pages']['metrics']> {
  const scraper = openScraper(metricsPage(access));
  const limit = AbortSignal.timeout(LIMIT_MS);
  try {
    const scrape = await scraper.scrape(access.stop === undefined ? limit : AbortSignal.any([access.stop, limit]));
    if (scrape.kind !== 'read')
      return { known: 0, why: limit.aborted ? `no answer within ${LIMIT_MS / 1000} s` : scrape.why };
    const known = byMetric(scrape.samples).size;
    return { known, why: known > 0 ? null : 'it has none that Reprise knows' };
  } finally {
    await scraper.close();
  }
}
