import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ClientSample } from '../../src/schema/client-sample.ts';
import { writeClientSamples } from '../../src/runs/client-file.ts';
import { appendRecords } from '../../src/runs/records.ts';
import { clientFile, writeManifest } from '../../src/runs/run-directory.ts';
import { openRunFiles } from '../../src/runs/run-files.ts';
import { ServerFile } from '../../src/runs/server-file.ts';
import { exampleManifest } from '../metrics/example-manifest.ts';
import { exampleRecord } from './example-records.ts';
import { all, batches, temporaryRun } from './temporary-run.ts';

const SAMPLE: ClientSample = {
  time_us: 1e6,
  in_flight: 3,
  due: 10,
  sent: 9,
  tokens: 2 ** 40,
  lateness_max_us: 120,
  event_loop_delay_max_us: 800,
  cpu_us: 90_000,
  polling_us: 20_000,
  reading_us: 60_000,
  core_wait_us: 7,
  rss_bytes: 80e6,
  gc_us: 900,
  unread_max_us: 2100,
};

test('a run is read as it was written, as often as one likes', async (t) => {
  const dir = temporaryRun(t);
  const { workload } = exampleManifest();
  const manifest = exampleManifest({ workload: { ...workload, requests: 2 } });
  const parts = [[exampleRecord({ request_id: 'a' })], [exampleRecord({ request_id: 'b' })]];
  const samples = [SAMPLE, { ...SAMPLE, time_us: 2e6, core_wait_us: null }];
  for (const part of parts) await appendRecords(dir, batches(part));
  writeClientSamples(dir, samples);
  const file = new ServerFile(dir);
  file.add(-1000, [{ name: 'a', labels: '{}', value: 1 }]);
  file.add(1e6, null);
  file.close();
  const written = writeManifest(dir, manifest);

  const run = openRunFiles(dir);
  assert.deepEqual([run.dir, run.manifest], [dir, written]);
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(await all(run.records()), parts);
    const scrapes = run.scrapes();
    assert.ok(scrapes !== null);
    assert.deepEqual(await all(scrapes), [
      { timeUs: -1000, samples: [{ name: 'a', labels: '{}', value: 1 }] },
      { timeUs: 1e6, samples: null },
    ]);
    assert.deepEqual(await run.samples(), samples);
  }
});

test('what a run in virtual time does not have is null; a damaged file is named', async (t) => {
  const dir = temporaryRun(t);
  writeManifest(dir, exampleManifest({ status: 'running' }));
  const run = openRunFiles(dir);
  assert.deepEqual(await all(run.records()), []);
  assert.equal(run.scrapes(), null);
  assert.equal(await run.samples(), null);
  writeFileSync(clientFile(dir), 'PAR1 and no more');
  await assert.rejects(run.samples(), /client\.parquet: damaged/);
});
