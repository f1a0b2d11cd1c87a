import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import type { Scrape, ServerSample } from '../../src/schema/server-metrics.ts';
import { readScrapes } from '../../src/runs/read-scrapes.ts';
import { ServerFile } from '../../src/runs/server-file.ts';
import { temporaryRun } from './temporary-run.ts';

async function scrapes(dir: string): Promise<Scrape[]> {
  const found: Scrape[] = [];
  for await (const scrape of readScrapes(dir) ?? []) found.push(scrape);
  return found;
}

it('scrapes come back as they were, failed ones and odd values too, and DuckDB reads them', async (t) => {
  const dir = temporaryRun(t);
  const sample = fc.record(
    { name: fc.string({ unit: 'binary' }).filter((name) => name !== 'up'), labels: fc.json(), value: fc.double() },
    { noNullPrototype: true },
  );
  const written = fc.sample(fc.array(sample, { maxLength: 30 }), { numRuns: 60, seed: 5 });
  const file = new ServerFile(dir);
  written.forEach((samples, i) => file.add(i * 1e6 - 200_000.4, i % 7 === 3 ? null : samples));
  assert.equal(existsSync(join(dir, 'server.parquet')), false, 'not before it is whole');
  assert.equal(file.close(), true);
  assert.deepEqual(
    await scrapes(dir),
    written.map((samples, i) => ({ timeUs: i * 1e6 - 200_000, samples: i % 7 === 3 ? null : samples })),
  );
  const connection = await (await DuckDBInstance.create()).connect();
  const reader = await connection.runAndReadAll(
    `select count(*)::int, sum(value)::int, min(time_us)::int from '${dir}/server.parquet' where name = 'up'`,
  );
  assert.deepEqual(reader.getRows(), [[60, 51, -200_000]]);
  connection.closeSync();
});

it('pages scraped at one time are read back as one scrape, which is a gap without one of them', async (t) => {
  const dir = temporaryRun(t);
  const sample = (endpoint: number): ServerSample => ({ name: 'a', labels: `{"endpoint":"${endpoint}"}`, value: 1 });
  const file = new ServerFile(dir);
  const whole = [[sample(0)], [sample(1)]];
  const pages = [whole, [[sample(0)], null], [null, [sample(1)]], whole];
  pages.forEach((of, i) => of.forEach((samples, page) => file.add(i * 1e6, samples, sample(page).labels)));
  file.close();
  assert.deepEqual(
    (await scrapes(dir)).map(({ samples }) => samples),
    [whole.flat(), null, null, whole.flat()],
  );
});

it('many row groups are read as one file', async (t) => {
  const dir = temporaryRun(t);
  const file = new ServerFile(dir);
  const samples = Array.from({ length: 3000 }, (_, i) => ({ name: `n${i % 40}`, labels: '{"a":"b"}', value: i }));
  for (let i = 0; i < 50; i++) file.add(i * 1e6, samples);
  file.close();
  const read = await scrapes(dir);
  assert.equal(read.length, 50);
  for (const scrape of read) assert.deepEqual(scrape.samples, samples);
});

it('nothing told, no file; a damaged one is named', async (t) => {
  const dir = temporaryRun(t);
  const file = new ServerFile(dir);
  file.add(0, null);
  file.add(1e6, []);
  assert.equal(file.close(), false);
  assert.equal(readScrapes(dir), null);
  assert.equal(existsSync(join(dir, 'server.parquet.tmp')), false);
  writeFileSync(join(dir, 'server.parquet'), 'PAR1 and no more');
  await assert.rejects(scrapes(dir), /server\.parquet: damaged/);
});
