import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../core/errors.ts';
import type { MetricsPage } from './scrape.ts';

/** A server's metrics over a run, once a second, in a thread of its own: a page takes milliseconds to read. */
export interface MetricsMonitor {
  /** The run begins, with its zero there on the machine's clock; the file goes into `dir`. */
  begin(dir: string, zeroUs: number): void;
  /** Looks for the last time and ends the file. What has gone wrong is said in a sentence; null if nothing has. */
  end(): Promise<string | null>;
}

export type WatchMessage =
  | { readonly kind: 'begin'; readonly dir: string; readonly zeroUs: number }
  | { readonly kind: 'end' };

export type WatchAnswer = FirstLook | WatchReport;

interface FirstLook {
  readonly kind: 'first';
  /** Why there is nothing to look at; null if there is. */
  readonly absent: string | null;
}

export interface WatchReport {
  readonly kind: 'report';
  readonly looks: number;
  readonly failed: number;
  /** Of the last that failed. */
  readonly why: string | null;
  /** Whether there is a file. */
  readonly told: boolean;
}

/**
 * Resolves after the first look. Null if the server has no metrics, which is said once. Nothing that goes wrong here is
 * a fault of the run.
 */
export async function monitorMetrics(page: MetricsPage, warn: (text: string) => void): Promise<MetricsMonitor | null> {
  const worker = new Worker(new URL(`./metrics-monitor-worker${extname(import.meta.filename)}`, import.meta.url), {
    workerData: page,
  });
  const first = Promise.withResolvers<string | null>();
  const report = Promise.withResolvers<string | null>();
  const dead = (why: string): void => {
    const sentence = `the server's metrics are not kept: ${why}`;
    first.resolve(sentence);
    report.resolve(sentence);
  };
  worker.on('message', (answer: WatchAnswer) => {
    if (answer.kind === 'report') report.resolve(sentenceOf(answer, page));
    else
      first.resolve(answer.absent === null ? null : `no metrics of the server: ${page.url} answers ${answer.absent}`);
  });
  worker.once('error', (error) => dead(messageOf(error)));
  worker.once('exit', () => dead('their thread has ended'));
  const absent = await first.promise;
  if (absent !== null) {
    warn(absent);
    return null;
  }
  // A caller that dies of something else must not be held alive by it.
  worker.unref();
  const post = (message: WatchMessage): void => worker.postMessage(message, []);
  let begun = false;
  return {
    begin: (dir, zeroUs) => {
      begun = true;
      post({ kind: 'begin', dir, zeroUs });
    },
    end: async () => {
      if (!begun) {
        await worker.terminate();
        return null;
      }
      worker.ref();
      post({ kind: 'end' });
      return report.promise;
    },
  };
}

function sentenceOf({ looks, failed, why, told }: WatchReport, { url }: MetricsPage): string | null {
  if (!told)
    return failed === looks
      ? `no metrics of the server: ${url} could not be read (${why})`
      : `no metrics of the server: ${url} tells none that are known here`;
  return failed === 0
    ? null
    : `${failed} of ${looks} looks at ${url} failed and are gaps in the server's metrics (the last: ${why})`;
}
