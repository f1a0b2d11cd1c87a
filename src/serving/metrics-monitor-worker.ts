import { setTimeout as sleep } from 'node:timers/promises';
import { giveWay } from '../core/give-way.ts';
import { machineUs } from '../core/wall-clock.ts';
import { serveWorker } from '../core/worker.ts';
import { serverFile, writeError } from '../runs/run-directory.ts';
import { ServerFile } from '../runs/server-file.ts';
import { endpointLabels } from '../schema/server-metrics.ts';
import type { MonitorQuestion, PageReport } from './metrics-monitor.ts';
import { openScraper, type MetricsPage, type Scraper, type ScrapeResult } from './scrape.ts';

const EVERY_US = 1e6;
/** In the middle of a second: many traces have times of whole seconds. */
const PHASE_US = 0.5e6;
/** An overloaded server answers late, and its metrics matter most then. */
const PATIENCE_MS = 5000;
/** The first scrape and the last must not hold up a run for long. */
const SHORT_PATIENCE_MS = 2000;

interface Page {
  readonly scraper: Scraper;
  /** JSON of the labels that tell its values from those of other pages. */
  readonly labels: string;
  report: PageReport;
}

interface Scraped {
  readonly page: Page;
  readonly result: ScrapeResult;
}

/** The thread of `monitorMetrics`. */
serveWorker<readonly MetricsPage[], MonitorQuestion, readonly PageReport[]>((watched) => {
  giveWay();
  const pages = watched.map((page, index): Page => {
    const labels = watched.length === 1 ? {} : endpointLabels(index);
    const report = { url: page.url, scrapes: 0, failed: 0, failure: null, isAbsent: false, values: 0 };
    return { scraper: openScraper(page, labels), labels: JSON.stringify(labels), report };
  });
  const over = new AbortController();
  let first: readonly Scraped[] = [];
  return async (question) => {
    if (question.kind === 'first') {
      first = await scrape(pages, AbortSignal.timeout(SHORT_PATIENCE_MS));
      count(first);
    } else if (question.kind === 'watch') await watch(first, question, over.signal);
    else over.abort();
    return pages.map(({ report }) => report);
  };
});

/** Writes the first scrape, then one a second from the run's start, then the last. */
async function watch(
  first: readonly Scraped[],
  { dir, zeroUs }: { readonly dir: string; readonly zeroUs: number },
  over: AbortSignal,
): Promise<void> {
  const present = first.filter(({ page }) => !page.report.isAbsent);
  const pages = present.map(({ page }) => page);
  try {
    const file = new ServerFile(dir);
    write(file, present, zeroUs);
    while (await isDueAgain(zeroUs, over)) {
      const scraped = await scrape(pages, AbortSignal.any([over, AbortSignal.timeout(PATIENCE_MS)]));
      // A scrape that the end of the run has cut short is none.
      if (over.aborted && scraped.some(({ result }) => result.kind !== 'read')) break;
      count(scraped);
      write(file, scraped, zeroUs);
    }
    const last = await scrape(pages, AbortSignal.timeout(SHORT_PATIENCE_MS));
    count(last);
    write(file, last, zeroUs);
    file.close();
  } catch (thrown) {
    throw writeError(serverFile(dir), thrown);
  }
}

/** Resolves when the next scrape is due; false where the run ends before. */
async function isDueAgain(zeroUs: number, over: AbortSignal): Promise<boolean> {
  const sinceUs = machineUs() - zeroUs - PHASE_US;
  const nextUs = (Math.floor(sinceUs / EVERY_US) + 1) * EVERY_US;
  await sleep((nextUs - sinceUs) / 1000, undefined, { signal: over }).catch(() => undefined);
  return !over.aborted;
}

/** All pages at once. */
function scrape(pages: readonly Page[], signal: AbortSignal): Promise<Scraped[]> {
  return Promise.all(pages.map(async (page) => ({ page, result: await page.scraper.scrape(signal) })));
}

function count(scraped: readonly Scraped[]): void {
  for (const { page, result } of scraped) {
    const { report } = page;
    const scrapes = report.scrapes + 1;
    page.report =
      result.kind === 'read'
        ? { ...report, scrapes, values: report.values + result.samples.length }
        : {
            ...report,
            scrapes,
            failed: report.failed + 1,
            failure: result.why,
            // Only the first scrape decides; a page that goes later is a gap.
            isAbsent: report.isAbsent || (scrapes === 1 && result.kind === 'absent'),
          };
  }
}

/** At one time for all pages, so that their values are read back as one scrape. */
function write(file: ServerFile, scraped: readonly Scraped[], zeroUs: number): void {
  const timeUs = Math.max(...scraped.map(({ result }) => result.machineUs)) - zeroUs;
  for (const { page, result } of scraped) file.add(timeUs, result.kind === 'read' ? result.samples : null, page.labels);
}
