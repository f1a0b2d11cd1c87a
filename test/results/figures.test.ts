import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { verdictOf } from '../../reports/verdict.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { importedBefore, importRun } from '../../src/results/import-run.ts';
import { openResults } from '../../src/results/open-results.ts';
import { describeSlo } from '../../src/run/manifest.ts';
import { readRecords } from '../../src/runs/records.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { resolveSlo } from '../../src/slos/index.ts';
import { temporaryFolder } from '../cli.ts';
import {
  guidellmBenchmark,
  guidellmReport,
  latencyS,
  python,
  seenRequests,
  sglangResult,
  vllmResult,
} from './foreign-files.ts';

const folder = temporaryFolder();
let files = 0;

async function imported(value: unknown): Promise<{ summary: Summary; manifest: Manifest; dir: string }> {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, python(value));
  const dir = `${path}-run`;
  const slo = describeSlo(resolveSlo('ttft=10s,tpot=10s'), 0.9);
  const manifest = await importRun(await openResults(path, null), { dir, slo, nowIso: '2026-11-29T00:00:00Z' });
  return { summary: await summarise(readRecords(dir), manifest), manifest, dir };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const near = (found: number | null, expected: number): void =>
  assert.ok(Math.abs((found ?? Number.NaN) - expected) < 0.002, `${found} instead of ${expected}`);

describe('what the file has', () => {
  it('is in the figures: of vLLM all latencies, by its own lists', async () => {
    const seen = seenRequests(60);
    const { summary } = await imported(vllmResult(seen));
    near(summary.latency_ms.ttft.mean, mean(seen.map(({ ttftS }) => ttftS * 1000)));
    near(summary.latency_ms.itl.mean, mean(seen.flatMap(({ gapsS }) => gapsS.map((gap) => gap * 1000))));
    near(summary.latency_ms.e2e.mean, mean(seen.map((each) => latencyS(each) * 1000)));
    near(
      summary.latency_ms.tpot.mean,
      mean(seen.map((each) => ((latencyS(each) - each.ttftS) * 1000) / (each.output - 1))),
    );
    assert.equal(summary.requests.ok, 60);
    near(summary.delivered.rate_rps, 10);
  });

  it('counts the wait from the due time; from sending latencies are those of the tool', async () => {
    const seen = seenRequests(60, () => ({ waitS: 0.03 }));
    const { summary } = await imported(vllmResult(seen, { max_concurrency: 4 }));
    const ttft = mean(seen.map(({ ttftS }) => ttftS * 1000));
    near(summary.latency_ms.ttft.mean, ttft + 30);
    near(summary.service_latency_ms.ttft.mean, ttft);
    assert.equal(summary.held?.requests, 60);
  });
});

describe('what the file does not have', () => {
  it('is null: ITL and fluidity where only the first and the last token have a time, TPOT being exact', async () => {
    const seen = seenRequests(60, () => ({ gapsS: [0.01, 0.09], output: 3 }));
    const { summary, manifest } = await imported(guidellmReport(guidellmBenchmark(seen)));
    assert.match(
      manifest.imported?.notes.join(' ') ?? '',
      /Of 60 of 60 answers the first and the last token alone have/,
    );
    const { itl, tpot } = summary.latency_ms;
    assert.deepEqual([itl.mean, itl.p50, itl.max, itl.n, itl.missing], [null, null, null, 0, 0]);
    assert.equal(summary.fluidity, null);
    near(tpot.p50, 50);
    assert.equal(summary.delivered.lumps, null);
  });

  it('a few answers of unknown gaps are left out of ITL, and do not take it away', async () => {
    const seen = seenRequests(200);
    const output_lens = seen.map(({ output }, i) => (i === 4 ? 3 : output));
    const { summary } = await imported(vllmResult(seen, { output_lens }));
    assert.ok(summary.latency_ms.itl.n > 0);
  });

  it('is not told over time: neither an interval nor a rate where it is not known when requests were sent', async () => {
    const { summary, manifest } = await imported(sglangResult(seenRequests(200)));
    assert.equal(summary.slo?.attainment.ci95, null);
    assert.equal(summary.slo?.attainment.overloaded, false);
    assert.deepEqual(summary.diagnosis, []);
    assert.equal(summary.delivered.rate_rps, 0);
    assert.equal(summary.throughput.requests_per_s, 200 / 12.5);
    assert.equal(manifest.workload.rate_rps, 16);
  });

  it('is not judged: no client, no verdict, no plan', async () => {
    const { summary, manifest } = await imported(vllmResult(seenRequests(400)));
    const { valid, judged, lateness_ms, reasons } = summary.validity;
    assert.deepEqual([valid, judged, lateness_ms], [false, false, null]);
    assert.match(reasons.join(), /does not say whether its client kept up/);
    assert.equal(summary.slo?.attainment.joint, 1);
    const { tone, assurance, warnings, delivered } = verdictOf(summary, manifest);
    assert.equal(tone, 'unsure');
    assert.equal(assurance, null);
    assert.match(warnings.join(), /^Imported from vllm bench serve: /);
    assert.ok(!summary.warnings.some(({ code }) => code === 'not_valid'));
    assert.match(delivered, /^Got: 400 of 400 requests answered, sent at 10.0 a second; prompts/);
    assert.deepEqual(
      [summary.delivered.outputs, summary.delivered.asked.input_tokens_mean, summary.delivered.cached_tokens],
      [null, null, null],
    );
    assert.equal(summary.delivered.output_tokens?.p50, 5);
  });
});

it('what was cut when a tool reached its limit is neither met nor missed', async () => {
  const incomplete = seenRequests(2, () => ({ sentS: 5.9, error: 'cancelled' }));
  const { summary, manifest } = await imported(guidellmReport(guidellmBenchmark(seenRequests(60), { incomplete })));
  assert.equal(manifest.status, 'interrupted');
  assert.deepEqual([summary.requests.failed, summary.requests.stopped], [0, 2]);
  assert.equal(summary.slo?.attainment.joint, 1);
});

it('a run is made whole or not at all, and known again by its file', async () => {
  const path = join(folder, 'damaged.json');
  writeFileSync(path, python(vllmResult(seenRequests(2), { start_times: [1, 1e11] })));
  const dir = `${path}-run`;
  const opened = await openResults(path, null);
  await assert.rejects(importRun(opened, { dir, slo: null, nowIso: '2026-11-29T00:00:00Z' }), {
    name: 'UserError',
    message: /damaged.json: request r1-\w{6} ends 27,\S+ h after the first was due, which is more than 30 years/,
  });
  assert.ok(!existsSync(dir));
  const whole = await imported(vllmResult(seenRequests(2)));
  const again = await openResults(whole.dir.replace(/-run$/, ''), null);
  assert.equal(importedBefore(whole.dir, again)?.run_id, whole.manifest.run_id);
  assert.equal(importedBefore(whole.dir, { ...again, number: 2 }), null);
});
