import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { machineUs } from '../core/wall-clock.ts';
import { ServerFile } from '../runs/server-file.ts';
import { openScraper, type ScrapeResult, type MetricsPage } from './scrape.ts';
import type { WatchAnswer, WatchMessage, WatchReport } from './metrics-monitor.ts';

const EVERY_US = 1e6;
/** In the middle of a second: many traces have times of whole seconds. */
const PHASE_US = 0.5e6;
/** A server that is overloaded tells late, and that is when it matters most. */
const PATIENCE_MS = 5000;
/** The first look and the last must not hold up a run for long. */
const SHORT_PATIENCE_MS = 2000;

const port = parentPort;
if (port === null) throw new Error('server-watch-thread runs in a worker thread');
const page: MetricsPage = workerData;
const scraper = openScraper(page);
const over = new AbortController();

const begun = new Promise<{ dir: string; zeroUs: number }>((resolve) =>
  port.on('message', (message: WatchMessage) => {
    if (message.kind === 'begin') resolve(message);
    else over.abort();
  }),
);

/** The first look, then one a second from the run's start, then the last. */
async function watch(first: ScrapeResult): Promise<WatchReport> {
  const { dir, zeroUs } = await begun;
  const file = new ServerFile(dir);
  let [looks, failed]: [number, number] = [0, 0];
  let why: string | null = null;
  const keep = (look: ScrapeResult): void => {
    looks++;
    if (look.kind !== 'read') {
      failed++;
      why = look.why;
    }
    file.add(look.machineUs - zeroUs, look.kind === 'read' ? look.samples : null);
  };
  keep(first);
  while (!over.signal.aborted) {
    const sinceUs = machineUs() - zeroUs - PHASE_US;
    await sleep(((Math.floor(sinceUs / EVERY_US) + 1) * EVERY_US - sinceUs) / 1000, undefined, {
      signal: over.signal,
    }).catch(() => undefined);
    if (over.signal.aborted) break;
    const look = await scraper.scrape(AbortSignal.any([over.signal, AbortSignal.timeout(PATIENCE_MS)]));
    if (!over.signal.aborted || look.kind === 'read') keep(look);
  }
  keep(await scraper.scrape(AbortSignal.timeout(SHORT_PATIENCE_MS)));
  return { kind: 'report', looks, failed, why, told: file.close() };
}

const first = await scraper.scrape(AbortSignal.timeout(SHORT_PATIENCE_MS));
const say = (answer: WatchAnswer): void => port.postMessage(answer);
say({ kind: 'first', absent: first.kind === 'absent' ? first.why : null });
if (first.kind !== 'absent') say(await watch(first));
await scraper.close();
port.close();
