import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SILENT } from '../../src/core/log.ts';
import { machineUs } from '../../src/core/wall-clock.ts';
import { ServerCollector } from '../../src/metrics/server.ts';
import { readScrapes } from '../../src/runs/read-scrapes.ts';
import type { Scrape } from '../../src/schema/server-metrics.ts';
import { monitorMetrics } from '../../src/serving/metrics-monitor.ts';
import { metricsPage, type MetricsPage } from '../../src/serving/scrape.ts';
import { exampleManifest } from '../metrics/example-manifest.ts';
import { temporaryRun } from '../runs/temporary-run.ts';
import { serve } from '../servers.ts';

interface TestPage {
  readonly page: MetricsPage;
  /** GETs so far. */
  readonly scrapes: () => number;
}

/** A server's `/metrics`, with the text or the status for its n-th scrape. */
async function serveMetrics(t: TestContext, reply: (scrape: number) => string | number): Promise<TestPage> {
  let scrapes = 0;
  const server = await serve(
    (_index, _request, response) => {
      const text = reply(scrapes++);
      if (typeof text === 'number') response.writeHead(text).end();
      else response.end(text);
    },
    ['/metrics'],
  );
  t.after(() => server.close());
  return { page: metricsPage({ url: server.url, headers: {}, insecure: false }), scrapes: () => scrapes };
}

/** Watches until the last page was scraped so often, and gives what was kept and what was said. */
async function watched(t: TestContext, pages: readonly TestPage[], times: number) {
  const dir = temporaryRun(t);
  const warnings: string[] = [];
  const monitor = await monitorMetrics(
    pages.map(({ page }) => page),
    { ...SILENT, warn: (text) => warnings.push(text) },
  );
  monitor?.begin(dir, machineUs());
  while ((pages.at(-1)?.scrapes() ?? 0) < times) await sleep(10);
  // The reply has to be read before the end: a scrape that the end cuts short is not kept.
  await sleep(200);
  const missing = (await monitor?.end()) ?? null;
  const scrapes: Scrape[] = [];
  for await (const scrape of readScrapes(dir) ?? []) scrapes.push(scrape);
  return { scrapes, missing, warnings };
}

const metrics = (running: number, more = ''): string => `vllm:num_requests_running{engine="0"} ${running}\n${more}`;

describe('the metrics monitor', { concurrency: 3 }, () => {
  it('one page: its samples as it has them', async (t) => {
    const { scrapes, missing } = await watched(t, [await serveMetrics(t, () => metrics(3))], 2);
    assert.equal(missing, null);
    assert.ok(scrapes.length >= 3, `${scrapes.length}`);
    const sample = { name: 'vllm:num_requests_running', labels: '{"engine":"0"}', value: 3 };
    for (const { samples } of scrapes) assert.deepEqual(samples, [sample]);
  });

  it('two pages: one scrape, values told apart by endpoint, counted as two engines on one page are', async (t) => {
    // The second is of an older engine, and is busy once.
    const pages = [
      await serveMetrics(t, () => metrics(3, 'vllm:kv_cache_usage_perc 0.5\n')),
      await serveMetrics(t, (scrape) => (scrape === 2 ? 503 : metrics(4, 'vllm:gpu_cache_usage_perc 0.7\n'))),
    ];
    const { scrapes, missing, warnings } = await watched(t, pages, 4);
    assert.deepEqual(warnings, []);
    assert.match(missing ?? '', /^1 of \d scrapes of http.*\/metrics failed .*\(the last: HTTP 503\)$/);
    assert.deepEqual(
      scrapes.map(({ samples }) => samples?.length ?? null),
      scrapes.map((_, i) => (i === 2 ? null : 4)),
      'a scrape without one of the pages is a gap',
    );
    assert.deepEqual(
      scrapes[0]?.samples?.map(({ name, labels }) => `${name} ${labels}`),
      [
        'vllm:num_requests_running {"endpoint":"0","engine":"0"}',
        'vllm:kv_cache_usage_perc {"endpoint":"0"}',
        'vllm:num_requests_running {"endpoint":"1","engine":"0"}',
        'vllm:gpu_cache_usage_perc {"endpoint":"1"}',
      ],
    );

    const manifest = exampleManifest({ measured: null });
    const collector = new ServerCollector({ ...manifest, workload: { ...manifest.workload, duration_s: 3600 } });
    for (const scrape of scrapes) collector.add(scrape);
    const server = collector.result();
    assert.deepEqual([server?.scrapes, server?.scrapes_failed], [scrapes.length, 1]);
    assert.deepEqual(server?.running, { mean: 7, max: 7 });
    assert.equal(server?.kv_usage?.max, 0.7, 'of the fuller engine, whatever each calls it');
  });

  it('a page that is not there is named and left out; the others are watched', async (t) => {
    const absent = await serveMetrics(t, () => 404);
    const { scrapes, missing, warnings } = await watched(t, [absent, await serveMetrics(t, () => metrics(4))], 1);
    assert.deepEqual([warnings.length, missing], [1, null]);
    assert.match(warnings[0] ?? '', /no metrics of the server: http:.*\/metrics answers HTTP 404/);
    const sample = { name: 'vllm:num_requests_running', labels: '{"endpoint":"1","engine":"0"}', value: 4 };
    assert.ok(scrapes.length >= 2);
    for (const { samples } of scrapes) assert.deepEqual(samples, [sample]);
    assert.equal(absent.scrapes(), 1);
    assert.equal(await monitorMetrics([absent.page], SILENT), null);
  });

  it('a run that does not begin has no file, and nothing is missing', async (t) => {
    const { page } = await serveMetrics(t, () => metrics(1));
    const monitor = await monitorMetrics([page], SILENT);
    assert.equal(await monitor?.end(), null);
  });

  it('a file that cannot be written is a sentence; a fault of ours is an error with its stack', async (t) => {
    const { page } = await serveMetrics(t, () => metrics(1));
    const monitor = await monitorMetrics([page], SILENT);
    monitor?.begin(join(temporaryRun(t), 'nowhere'), machineUs());
    await sleep(200);
    assert.match((await monitor?.end()) ?? '', /^the server's metrics are not kept: .*cannot be written: ENOENT/);
    await assert.rejects(
      monitorMetrics([{ url: 'no url', paths: ['/metrics'], headers: {}, insecure: false }], SILENT),
      (error: Error) => /^TypeError: Invalid URL.*src\/serving\/scrape\.ts/s.test(error.stack ?? ''),
    );
  });
});
