import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { Source, TransformSpec } from '../../src/core/plan.ts';
import type { Request } from '../../src/core/request.ts';
import { applyTransforms } from '../../workloads/index.ts';

/** Writes files into a folder that is removed when the tests of the file have run. */
export function temporaryFiles(): (name: string, content: string | Buffer) => string {
  const folder = mkdtempSync(join(tmpdir(), 'reprise-workloads-'));
  after(() => rmSync(folder, { recursive: true }));
  return (name, content) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
}

export async function requestsOf(batches: AsyncIterable<readonly Request[]>): Promise<Request[]> {
  const all: Request[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

/** A source with transforms. */
export async function withTransforms(source: Source, ...transforms: readonly TransformSpec[]): Promise<Source> {
  return (await applyTransforms(source, transforms)).source;
}

/** A source that is not a file, one request a millisecond unless told otherwise, in batches of four. */
export function exampleSource(dueUs: readonly number[]): Source {
  const requests = dueUs.map((due, i): Request => ({
    id: `r${i}`,
    traceRow: i + 2,
    dueUs: due,
    inputTokens: 10 + i,
    outputTokens: 1 + (i % 5),
  }));
  return {
    name: 'example',
    format: 'csv',
    path: '/example.csv',
    transforms: [],
    open: async function* () {
      for (let start = 0; start < requests.length; start += 4) yield requests.slice(start, start + 4);
    },
    sha256: async () => '',
  };
}
