import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { RecordBatch, RequestRecord } from '../../src/core/record.ts';
import { readRecords } from '../../src/runs/records.ts';
import { createRunDirectory } from '../../src/runs/run-directory.ts';

/** An empty run directory that goes when the test ends. */
export function temporaryRun(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'reprise-runs-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, 'run');
  createRunDirectory(dir);
  return dir;
}

export async function allRecords(dir: string): Promise<RequestRecord[]> {
  return (await all(readRecords(dir))).flat();
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export async function* batches(...of: readonly RecordBatch[]): AsyncGenerator<RecordBatch> {
  yield* of;
}
