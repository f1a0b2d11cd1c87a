import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { z } from 'zod';
import { summarise } from '../../src/metrics/summarise.ts';
import { countedRun, type CountedRun } from '../../src/results/counted-run.ts';
import { importRun } from '../../src/results/import-run.ts';
import { openResults } from '../../src/results/open-results.ts';
import { PEERS } from '../../src/results/peers/peers.ts';
import { comparedTo } from '../../src/results/views/compared.ts';
import { comparedCsv, comparedText } from '../../src/results/views/compared-text.ts';
import { EXPORTS, exportRun, type ExportName } from '../../src/results/writers/exports.ts';
import { describeSlo } from '../../src/run/manifest.ts';
import { readRecords } from '../../src/runs/records.ts';
import { resolveSlo } from '../../src/slos/index.ts';
import {
  guidellmBenchmark,
  guidellmReport,
  python,
  seenRequests,
  sglangResult,
  vllmResult,
  type Seen,
} from './foreign-files.ts';
import { readJson, temporaryFolder } from './some-runs.ts';

/** The parts that depend on what is known. */
const statistics = z.object({ mean: z.number() });
const llmdReport = z.object({
  run: z.object({ description: z.string(), time: z.object({ end: z.iso.datetime(), duration: z.string() }) }),
  scenario: z.object({
    load: z.object({
      standardized: z.object({
        tool: z.string(),
        input_seq_len: z.object({ min: z.number() }),
        output_seq_len: z.unknown().optional(),
      }),
    }),
  }),
  results: z.object({
    request_performance: z.object({
      aggregate: z.object({
        requests: z.object({ failures: z.number() }),
        latency: z.object({ inter_token_latency: statistics.optional(), time_per_output_token: statistics }),
        throughput: z.object({ request_rate: statistics }),
      }),
    }),
  }),
});
const vllmSchema = z.object({
  written_by: z.string(),
  duration: z.number(),
  request_throughput: z.number(),
  request_goodput: z.number(),
  errors: z.array(z.string()),
  itls: z.array(z.array(z.number())),
  start_times: z.array(z.number()).optional(),
  queue_times: z.array(z.number()).optional(),
});

const NAMES = Object.keys(EXPORTS).filter((name): name is ExportName => Object.hasOwn(EXPORTS, name));

async function imported(folder: string, value: unknown): Promise<CountedRun> {
  const path = join(folder, 'result.json');
  writeFileSync(path, python(value));
  const dir = join(folder, 'run');
  const slo = describeSlo(resolveSlo('ttft=1s,tpot=50ms'), 0.9);
  const manifest = await importRun(await openResults(path, null), { dir, slo, nowIso: '2026-11-29T00:00:00Z' });
  return countedRun(manifest, await summarise(readRecords(dir), manifest), () => readRecords(dir));
}

async function exported(t: TestContext, value: unknown, names: readonly ExportName[] = NAMES) {
  const folder = temporaryFolder(t);
  const run = await imported(folder, value);
  await exportRun(run, names, { folder, isOurs: true, stepSummary: null });
  return { run, folder };
}

const seen = seenRequests(50);
const fast = seenRequests(700, () => ({ ttftS: 0.1, gapsS: [0.01], output: 2 }));

describe('what is known of an imported run', () => {
  it('is in every form, which says who measured it', async (t) => {
    const failing = (i: number): Partial<Seen> => (i % 5 === 4 ? { error: 'Too Many Requests' } : {});
    const { folder } = await exported(t, vllmResult(seenRequests(50, failing)));
    const { run, scenario, results } = llmdReport.parse(readJson(folder, 'llmd.json'));
    assert.match(run.description, /^vllm bench serve, read by reprise .* from .*result.json$/);
    assert.deepEqual([scenario.load.standardized.tool, run.time.duration], ['vllm bench serve', 'PT12.5S']);
    // What was asked for is not in its file: the prompts are those that were sent.
    assert.deepEqual(
      [scenario.load.standardized.input_seq_len.min, scenario.load.standardized.output_seq_len],
      [100, undefined],
    );
    assert.equal(results.request_performance.aggregate.requests.failures, 10);
    const file = vllmSchema.parse(readJson(folder, 'vllm.json'));
    assert.match(file.written_by, /^reprise-\S+ from vllm bench serve$/);
    assert.equal(file.errors.filter((error) => error.startsWith('rejected (HTTP 429)')).length, 10);
  });

  it('has no rate of its own time where it is not known when requests were sent, and no such times', async (t) => {
    const value = sglangResult(seen);
    const { run, folder } = await exported(
      t,
      value,
      NAMES.filter((name) => name !== 'aiperf'),
    );
    const file = vllmSchema.parse(readJson(folder, 'vllm.json'));
    assert.deepEqual([file.duration, file.request_throughput, file.request_goodput], [12.5, 4, 4]);
    assert.deepEqual([file.start_times, file.queue_times], [undefined, undefined]);
    const { throughput } = llmdReport.parse(readJson(folder, 'llmd.json')).results.request_performance.aggregate;
    assert.equal(throughput.request_rate.mean, 4);
    const { columns } = await comparedTo(run, ['vllm', 'aiperf', 'guidellm', 'inference-perf', 'sglang']);
    assert.deepEqual(new Set(columns.map(({ good_requests_per_s }) => good_requests_per_s)), new Set([4]));
    await assert.rejects(exported(t, value, ['aiperf']), /SGLang bench_serving does not say when requests were sent/);
  });

  it('has no ITL where the gaps are not known, and the means of answers all the same', async (t) => {
    const { run, folder } = await exported(t, guidellmReport(guidellmBenchmark(seen)));
    const { latency } = llmdReport.parse(readJson(folder, 'llmd.json')).results.request_performance.aggregate;
    assert.equal(latency.inter_token_latency, undefined);
    assert.ok(latency.time_per_output_token.mean > 0);
    const file = vllmSchema.parse(readJson(folder, 'vllm.json'));
    assert.ok(file.itls.every((gaps) => gaps.length === 0));
    const compared = await comparedTo(run, ['vllm', 'aiperf', 'guidellm', 'inference-perf', 'sglang']);
    const hasItl = compared.columns.map(({ key, latency_ms }) => [key, latency_ms.itl.mean !== null]);
    const answers = Object.values(PEERS)
      .flat()
      .flatMap(({ key, itlOf }) => (itlOf === 'answers' ? [key] : []));
    for (const [key, has] of hasItl)
      assert.equal(
        has,
        answers.some((each) => each === key),
        String(key),
      );
    assert.match(comparedText(compared), /\[2\] vLLM: .*of 50 of 50 answers it is not known when tokens came between/);
  });

  it('is not judged by us, whatever the shares are; the rules of others go by them', async (t) => {
    const { run } = await exported(t, vllmResult(fast), []);
    const compared = await comparedTo(run, ['guidellm', 'mlperf']);
    assert.ok(compared.verdicts.every(({ ours }) => ours.verdict === 'unsure'));
    assert.equal(compared.verdicts[0]?.guidellm?.verdict, 'met');
    assert.match(comparedText(compared), /\[1\] Reprise: .*; no verdict: imported: the file of vllm bench serve/);
  });
});

it('the verdicts are rows of the CSV, each rule in the column of its tool', async (t) => {
  const { run } = await exported(t, vllmResult(fast), []);
  const [header = '', ...rows] = comparedCsv([await comparedTo(run, ['guidellm', 'mlperf'])]).split('\n');
  assert.equal(header, 'run_id,figure,reprise,guidellm,mlperf');
  const of = (figure: string): string[] =>
    rows
      .find((row) => row.startsWith(`run,${figure},`))
      ?.split(',')
      .slice(2) ?? [];
  assert.deepEqual(of('slo.0.9.verdict'), ['unsure', 'met', '']);
  assert.deepEqual(of('ttft.0.99.verdict'), ['unsure', '', 'met']);
  assert.deepEqual(of('ttft.0.999.queries_needed'), ['', '', '6636']);
  assert.deepEqual(of('ttft.0.999.share'), ['1', '', '']);
  assert.equal(new Set(rows.map((row) => row.split(',').length)).size, 1);
});
