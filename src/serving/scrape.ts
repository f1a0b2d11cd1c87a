import { messageOf } from '../core/errors.ts';
import { textsFrom, type Secretive } from '../core/outside-text.ts';
import { isKept, type ServerSample } from '../schema/server-metrics.ts';
import { Client } from '../core/undici.ts';
import { machineUs } from '../core/wall-clock.ts';
import { pagePaths, pathBelow, urlAt, type ServerAccess } from '../replay/transport.ts';
import { parseMetrics } from './metrics-text.ts';
import { decodedBody, PLAIN } from './decode-body.ts';
import { readBody, type Patience } from './read-body.ts';

/** Some servers have metrics of every model and every adapter; no page is larger than this. */
const MAX_BYTES = 16 * 1024 ** 2;

/** A page without an end is over when no more of it has come for so long behind a whole line. */
const IDLE_MS = 1000;

/** Address of a server's metrics, as plain data. */
export interface MetricsPage extends Secretive {
  /** To show; `paths` has the query. */
  readonly url: string;
  /** To ask for: the first that there is. */
  readonly paths: readonly string[];
  readonly insecure: boolean;
}

/** Result of one GET of `/metrics`. `absent`: there is no such page, and another GET would be of no use. */
export type ScrapeResult =
  | { readonly kind: 'read'; readonly machineUs: number; readonly samples: readonly ServerSample[] }
  | { readonly kind: 'failed' | 'absent'; readonly machineUs: number; readonly why: string };

export interface Scraper {
  scrape(signal: AbortSignal): Promise<ScrapeResult>;
  close(): Promise<void>;
}

/** The metrics page of a server. */
export function metricsPage(access: ServerAccess): MetricsPage {
  const { headers, insecure, secrets = [] } = access;
  const shown = urlAt(access, pathBelow(access, '/metrics')).href;
  return { url: shown, paths: pagePaths(access, '/metrics'), headers, insecure, secrets };
}

/** Reads a page again and again over one connection, and adds `labels` to its samples. Failures are results. */
export function openScraper(page: MetricsPage, labels: Readonly<Record<string, string>> = {}): Scraper {
  const { url, paths, headers, insecure } = page;
  const texts = textsFrom(page);
  const others = [...paths];
  let path = others.shift() ?? '/metrics';
  const client = new Client(new URL(url).origin, {
    connect: { rejectUnauthorized: !insecure },
    maxResponseSize: MAX_BYTES,
  });
  return {
    async scrape(signal) {
      try {
        const accept = 'text/plain; version=0.0.4';
        const asked = { ...PLAIN, ...headers, accept };
        const get = () => client.request({ method: 'GET', path, headers: asked, signal });
        let reply = await get();
        for (; reply.statusCode === 404 && others.length > 0; reply = await get()) {
          await reply.body.dump();
          path = others.shift() ?? path;
        }
        others.length = 0;
        // The page was made before its head was sent: this is the nearest to when its values held.
        const readUs = machineUs();
        const encoding = texts.name(String(reply.headers['content-encoding'] ?? ''));
        const hasEnd = 'content-length' in reply.headers || encoding !== '';
        const bytes = await readBody(reply.body, hasEnd ? () => null : untilIdle);
        if (reply.statusCode === 200)
          return {
            kind: 'read',
            machineUs: readUs,
            samples: parseMetrics(decodedBody(bytes, encoding).toString(), isKept, texts.name, labels),
          };
        const isRefused = reply.statusCode >= 400 && reply.statusCode < 500 && reply.statusCode !== 429;
        return { kind: isRefused ? 'absent' : 'failed', machineUs: readUs, why: `HTTP ${reply.statusCode}` };
      } catch (thrown) {
        return { kind: 'failed', machineUs: machineUs(), why: texts.quoted(messageOf(thrown)) };
      }
    },
    close: () => client.destroy(),
  };
}

const untilIdle: Patience = (chunk) => {
  const end = chunk.toString('latin1', Math.max(0, chunk.length - 6));
  if (end === '# EOF\n') return 0;
  return end.endsWith('\n') ? IDLE_MS : null;
};
