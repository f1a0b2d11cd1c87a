import { setTimeout } from 'node:timers/promises';
import { byMetric } from '../schema/server-metrics.ts';
import { openScraper, type MetricsPage } from './scrape.ts';

const POLL_MS = 200;
/** A server whose metrics never say so is waited for no longer. */
const PATIENCE_MS = 30_000;
/** For a server without metrics: it has seen by then that its clients are gone. */
const BLIND_MS = 1000;

/** Resolves when a server says that it runs nothing and nothing waits: it may go on with requests that were cut. */
export async function untilIdle(pages: readonly MetricsPage[], stop: AbortSignal): Promise<void> {
  const scrapers = pages.map((page) => openScraper(page));
  try {
    for (let waitedMs = 0; waitedMs < PATIENCE_MS && !stop.aborted; waitedMs += POLL_MS) {
      const results = await Promise.all(scrapers.map((scraper) => scraper.scrape(stop)));
      const loads = results.map((result) => {
        const found = result.kind === 'read' ? byMetric(result.samples) : null;
        const samples = ['running', 'waiting'] as const;
        const told = samples.flatMap((metric) => found?.get(metric) ?? []);
        return told.length === 0 ? null : told.reduce((sum, { value }) => sum + value, 0);
      });
      if (loads.every((load) => load === null)) return await pause(BLIND_MS, stop);
      if (loads.every((load) => load === null || load === 0)) return;
      await pause(POLL_MS, stop);
    }
  } finally {
    await Promise.all(scrapers.map((scraper) => scraper.close()));
  }
}

/** Ends early where the user stops. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
