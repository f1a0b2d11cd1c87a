import type { RecordBatch } from '../core/record.ts';
import type { ClientSample } from '../schema/client-sample.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { Scrape } from '../schema/server-metrics.ts';
import { readClientSamples } from './client-file.ts';
import { readRecords } from './records.ts';
import { readManifest } from './read-manifest.ts';
import { readScrapes } from './read-scrapes.ts';

/** A run to be read. Each call reads from the start; a damaged file is a UserError that names it. */
export interface Run {
  readonly dir: string;
  readonly manifest: Manifest;
  /** In batches of a part. */
  records(): AsyncIterable<RecordBatch>;
  /** The server's metrics in order of time; null where none were kept. */
  scrapes(): AsyncIterable<Scrape> | null;
  /** The client's health, a sample a second; null in virtual time. */
  samples(): Promise<readonly ClientSample[] | null>;
}

/**
 * Opens a run directory as it is. Of a run that was killed, or still goes on, what its journals hold is missing
 * (`recoverRun`). A UserError if `dir` is not a run directory.
 */
export function openRunFiles(dir: string): Run {
  return {
    dir,
    manifest: readManifest(dir),
    records: () => readRecords(dir),
    scrapes: () => readScrapes(dir),
    samples: () => readClientSamples(dir),
  };
}
