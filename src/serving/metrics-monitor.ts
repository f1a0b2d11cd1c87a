import { extname } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { startWorker } from '../core/worker.ts';
import type { MetricsPage } from './scrape.ts';

/** Watches the metrics of a target over a run. */
export interface MetricsMonitor {
  /** The run begins, with its zero there on the machine's clock; the file goes into `dir`. */
  begin(dir: string, zeroUs: number): void;
  /**
   * Asks once more and completes the file. Resolves with a sentence about what is missing, null if nothing is; a
   * server that fails, or a full disk, is no error of the run. Rejects with a fault of ours alone.
   */
  end(): Promise<string | null>;
}

/** `first`: whether there is anything to watch. `watch`: answered when the last scrape, after `end`, is written. */
export type MonitorQuestion =
  | { readonly kind: 'first' | 'end' }
  | { readonly kind: 'watch'; readonly dir: string; readonly zeroUs: number };

/** The scrapes of one page so far. */
export interface PageReport {
  readonly url: string;
  readonly scrapes: number;
  readonly failed: number;
  /** Why the last that failed did; null if none has. */
  readonly failure: string | null;
  /** There is no such page, and it is not watched. */
  readonly isAbsent: boolean;
  /** Values of the metrics that are kept, over all scrapes. */
  readonly values: number;
}

/**
 * Watches the `/metrics` pages of a target once a second, in a thread of its own, for a page takes milliseconds to read.
 * The pages are given in the order of its endpoints. Resolves after the first scrape; null
 * if there is no such page, with a warning.
 */
export async function monitorMetrics(pages: readonly MetricsPage[], log: Log): Promise<MetricsMonitor | null> {
  const file = new URL(`./metrics-monitor-worker${extname(import.meta.filename)}`, import.meta.url);
  const thread = startWorker<readonly MetricsPage[], MonitorQuestion, readonly PageReport[]>(file, pages);
  let first: readonly PageReport[];
  try {
    first = await thread.ask({ kind: 'first' });
  } catch (thrown) {
    await thread.terminate();
    throw thrown;
  }
  for (const { url, isAbsent, failure } of first)
    if (isAbsent) log.warn(`no metrics of the server: ${url} answers ${failure}`);
  if (first.every(({ isAbsent }) => isAbsent)) {
    await thread.terminate();
    return null;
  }
  // A process that dies of another error must not be kept alive by its monitor.
  thread.keepAlive(false);
  let watching: Promise<readonly PageReport[]> | null = null;
  return {
    begin: (dir, zeroUs) => {
      watching = thread.ask({ kind: 'watch', dir, zeroUs });
      // A failure on the way is not unhandled: `end` reports it.
      watching.catch(() => undefined);
    },
    end: async () => {
      if (watching === null) {
        await thread.terminate();
        return null;
      }
      thread.keepAlive(true);
      thread.post({ kind: 'end' });
      try {
        return gapsOf(await watching);
      } catch (thrown) {
        if (!(thrown instanceof UserError)) throw thrown;
        return `the server's metrics are not kept: ${thrown.message}`;
      } finally {
        await thread.terminate();
      }
    },
  };
}

function gapsOf(reports: readonly PageReport[]): string | null {
  const sentences = reports.filter(({ isAbsent }) => !isAbsent).flatMap(gapOf);
  return sentences.length === 0 ? null : sentences.join('; ');
}

function gapOf({ url, scrapes, failed, failure, values }: PageReport): string[] {
  if (values === 0)
    return failed === scrapes
      ? [`no metrics of the server: ${url} could not be read (${failure})`]
      : [`no metrics of the server: ${url} has none that are known here`];
  return failed === 0
    ? []
    : [`${failed} of ${scrapes} scrapes of ${url} failed and are gaps in the server's metrics (the last: ${failure})`];
}
