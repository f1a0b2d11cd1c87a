import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { countedRun, type CountedRun } from '../../src/results/counted-run.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import { exampleManifest, exampleRun, inBatches, type ExampleOptions } from '../reports/example-run.ts';

/** A run whose records are given. */
export async function runOfRecords(
  records: readonly RequestRecord[],
  slo: string | null,
  manifest: Partial<Manifest> = {},
): Promise<CountedRun> {
  const described = exampleManifest(records, { requests: records.length, slo, manifest });
  return countedRun(described, await summarise(inBatches(records), described), () => inBatches(records, 7));
}

/** A run like one of a trace, as results are written from it, with its records. */
export async function someRun({
  manifest,
  ...options
}: ExampleOptions): Promise<CountedRun & { readonly all: readonly RequestRecord[] }> {
  const { records } = await exampleRun(options);
  const all = records.map((record) =>
    record.outcome === 'rejected'
      ? { ...record, sent_us: record.due_us + 40, end_us: record.due_us + 900, http_status: 429 }
      : record,
  );
  return { ...(await runOfRecords(all, options.slo, manifest)), all };
}

/** Every third request was refused. */
export const everyThirdFails = (index: number): Partial<RequestRecord> | null =>
  index % 3 === 2 ? { outcome: 'rejected', error: 'slow down "please"' } : null;

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-results-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function readJson(...path: readonly string[]): unknown {
  return JSON.parse(readFileSync(join(...path), 'utf8'));
}

/** numpy's percentile, written down from its definition. */
export function percentile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

export function close(actual: unknown, expected: number): boolean {
  return typeof actual === 'number' && Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
}
