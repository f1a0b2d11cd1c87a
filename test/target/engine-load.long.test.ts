import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { run } from '../../src/index.ts';
import { readScrapes } from '../../src/runs/read-scrapes.ts';
import { temporaryFolder } from '../cli.ts';

const folder = temporaryFolder();

/** Bursts of 30 prompts a second for 12 s: more than the memory of 2 instances holds. */
const trace = join(folder, 'bursts.csv');
const SECONDS = 12;
const rows = Array.from({ length: SECONDS * 30 }, (_, i) => `${(Math.floor(i / 10) / 3).toFixed(3)},800,120`);
writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${rows.join('\n')}\n`);
const target = 'reference:vllm-v1,instances=2,kv_tokens=6000,prefix_caching=off';

async function runOn(clock: 'real' | 'virtual', name: string) {
  const { summary, dir } = await run({ workload: trace, target, clock, out: join(folder, name) });
  assert.ok(summary.server !== null);
  const series = new Set<string>();
  for await (const { samples } of readScrapes(dir) ?? [])
    for (const { name: metric, labels } of samples ?? []) {
      const engine = /"engine":"(\w+)"/.exec(labels)?.[1];
      if (engine !== undefined) series.add(`${metric} ${engine}`);
    }
  const page = readFileSync(join(dir, 'report.html'), 'utf8');
  return { server: summary.server, dir, series, page };
}

it('the server of a run in virtual time is that of the same run over HTTP', async () => {
  const http = await runOn('real', 'http');
  const virtual = await runOn('virtual', 'virtual');

  // Histograms of what the records hold too, and of nothing but a client over HTTP, are left out.
  for (const series of virtual.series) assert.ok(http.series.has(series), `${series} is told over HTTP too`);
  for (const metric of ['num_requests_running', 'kv_cache_usage_perc', 'num_preemptions_total'])
    for (const engine of [0, 1]) assert.ok(virtual.series.has(`vllm:${metric} ${engine}`), metric);

  const charts = ['server-load', 'server-kv', 'server-preemptions', 'server-batch'];
  for (const { page } of [http, virtual])
    for (const id of charts) assert.ok(page.includes(`id="${id}"`), `chart ${id}`);
  assert.match(http.page, /What the server says[^]*Mean over [\d,]+ scrapes of its metrics/);
  assert.match(virtual.page, /What the engine says[^]*Mean over [\d,]+ samples of it in virtual time/);
  assert.doesNotMatch(virtual.page, /scrape|Its own latencies/);

  // A scrape a second of bursts three times a second, on a machine that may be busy.
  const near = (name: string, a: number | null | undefined, b: number | null | undefined, share: number): void => {
    assert.ok(a !== null && a !== undefined && b !== null && b !== undefined && a > 0, name);
    assert.ok(Math.abs(a - b) <= share * Math.max(a, b), `${name}: ${a} over HTTP, ${b} in virtual time`);
  };
  near('running', http.server.running?.mean, virtual.server.running?.mean, 0.3);
  near('waiting', http.server.waiting?.mean, virtual.server.waiting?.mean, 0.4);
  near('KV', http.server.kv_usage?.mean, virtual.server.kv_usage?.mean, 0.15);
  near('preemptions', http.server.preemptions, virtual.server.preemptions, 0.3);
  near('tokens an iteration', http.server.iteration_tokens, virtual.server.iteration_tokens, 0.2);
  assert.equal(virtual.server.latency_ms.ttft, null);
});

it('is the same each time, to the byte', async () => {
  const files = [];
  for (const name of ['once', 'again'])
    files.push(readFileSync(join((await runOn('virtual', name)).dir, 'server.parquet')));
  assert.deepEqual(files[0], files[1]);
});
