import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import type { RequestRecord } from '../../src/core/record.ts';
import { exportRun, type ExportName } from '../../src/results/writers/exports.ts';
import type { CountedRun } from '../../src/results/counted-run.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { readXml } from '../xml.ts';
import { aiperfLine, aiperfTotals, bmf, githubEntries, llmdReport, vllmResult } from './peer-schemas.ts';
import {
  close,
  everyThirdFails,
  mean,
  percentile,
  readJson,
  runOfRecords,
  someRun,
  temporaryFolder,
} from './some-runs.ts';

const NAMES: readonly ExportName[] = ['llmd', 'aiperf', 'vllm', 'junit', 'github', 'bmf', 'csv', 'step-summary'];
const SLO = 'ttft=150ms,tpot=12ms';

async function exported(run: CountedRun, folder: string): Promise<readonly string[]> {
  const files = await exportRun(run, NAMES, { folder, isOurs: true, stepSummary: null });
  for (const file of files) assert.ok(existsSync(file), file);
  return files;
}

const lines = (folder: string) =>
  readFileSync(join(folder, 'aiperf', 'profile_export.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => aiperfLine.parse(JSON.parse(line)));

const vllmFigures = (folder: string): Record<string, unknown> =>
  z.record(z.string(), z.unknown()).parse(readJson(folder, 'vllm.json'));

/** Of answered requests, from what the records say themselves. */
function expected(records: readonly RequestRecord[]) {
  const ok = records.filter(({ outcome }) => outcome === 'ok');
  const from = (record: RequestRecord): number => (record.sent_us ?? 0) - record.due_us;
  const last = (record: RequestRecord): number => record.token_times_us.at(-1) ?? 0;
  return {
    ok,
    ttftUs: ok.map((record) => (record.token_times_us[0] ?? 0) - from(record)),
    lastUs: ok.map((record) => last(record) - from(record)),
    endUs: ok.map((record) => (record.end_us ?? 0) - (record.sent_us ?? 0)),
    tpotUs: ok
      .filter(({ token_times_us }) => token_times_us.length > 1)
      .map((record) => (last(record) - (record.token_times_us[0] ?? 0)) / (record.token_times_us.length - 1)),
    gapsUs: ok.flatMap(({ token_times_us }) =>
      [...token_times_us].slice(1).map((time, i) => time - (token_times_us[i] ?? 0)),
    ),
  };
}

describe('results for other tools', () => {
  it('are a Benchmark Report of llm-d with every field, and no null', async (t) => {
    const folder = temporaryFolder(t);
    const run = await someRun({ requests: 120, slo: SLO, fate: everyThirdFails });
    await exported(run, folder);
    const text = readFileSync(join(folder, 'llmd.json'), 'utf8');
    assert.doesNotMatch(text, /null|NaN|Infinity/);
    const { run: head, results } = llmdReport.parse(JSON.parse(text));
    const { requests, latency, throughput } = results.request_performance.aggregate;
    const { ok, ttftUs, endUs, tpotUs, gapsUs } = expected(run.all);
    assert.equal(head.time.duration, 'PT65S');
    assert.deepEqual([requests.total, requests.failures, requests.incomplete], [120, 40, 0]);
    assert.ok(close(latency.time_to_first_token.mean, mean(ttftUs) / 1e6));
    assert.ok(close(latency.time_to_first_token.p99, percentile(ttftUs, 0.99) / 1e6));
    assert.ok(close(latency.request_latency.p50, percentile(endUs, 0.5) / 1e6));
    assert.ok(close(latency.time_per_output_token.p90, percentile(tpotUs, 0.9) / 1e6));
    assert.ok(close(latency.inter_token_latency.p99p9, percentile(gapsUs, 0.999) / 1e6));
    const starts = run.all.map(({ sent_us, due_us }) => sent_us ?? due_us);
    const seconds = (Math.max(...run.all.map(({ end_us }) => end_us ?? 0)) - Math.min(...starts)) / 1e6;
    assert.ok(close(throughput.request_rate.mean, ok.length / seconds));
    const tokens = ok.reduce((total, { token_times_us }) => total + token_times_us.length, 0);
    assert.ok(close(throughput.output_token_rate.mean, tokens / seconds));
  });

  it('are the result of vllm bench serve, its totals those of its lists', async (t) => {
    const folder = temporaryFolder(t);
    const run = await someRun({ requests: 90, slo: SLO, fate: everyThirdFails });
    await exported(run, folder);
    const result = vllmResult.parse(readJson(folder, 'vllm.json'));
    const figures = vllmFigures(folder);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.includes('tmp')),
      [],
    );
    const answered = result.errors.flatMap((error, i) => (error === '' ? [i] : []));
    assert.deepEqual([result.completed, result.failed, answered.length], [60, 30, 60]);
    assert.equal(result.errors[2], 'rejected (HTTP 429): slow down "please"');
    const of = (list: readonly number[]): number[] => answered.map((i) => (list[i] ?? 0) * 1000);
    const gaps = answered.flatMap((i) => (result.itls[i] ?? []).map((gap) => gap * 1000));
    assert.ok(close(figures['mean_itl_ms'], mean(gaps)));
    assert.ok(close(figures['p99_itl_ms'], percentile(gaps, 0.99)));
    assert.ok(close(figures['mean_ttft_ms'], mean(of(result.ttfts))));
    assert.ok(close(figures['p90_e2el_ms'], percentile(of(result.latencies), 0.9)));
    const slo = (i: number): boolean =>
      (result.ttfts[i] ?? 0) <= 0.15 &&
      ((result.latencies[i] ?? 0) - (result.ttfts[i] ?? 0)) / ((result.output_lens[i] ?? 0) - 1 || 1) <= 0.012;
    assert.ok(close(result.request_goodput, answered.filter(slo).length / result.duration));
    // In due order, whatever the order of the records; the due time is the start less the wait.
    const due = result.start_times.map((start, i) => Math.round((start - 1 - (result.queue_times[i] ?? 0)) * 1e6));
    assert.deepEqual(
      due,
      run.all.map(({ due_us }) => due_us).sort((a, b) => a - b),
    );
    const { ttftUs } = expected(run.all);
    assert.ok(close(figures['mean_ttft_ms'], mean(ttftUs) / 1000));
  });

  it('are the two files of AIPerf, its totals those of its lines', async (t) => {
    const folder = temporaryFolder(t);
    const run = await someRun({ requests: 90, slo: SLO, fate: everyThirdFails });
    await exported(run, folder);
    const totals = aiperfTotals.parse(readJson(folder, 'aiperf', 'profile_export_aiperf.json'));
    const all = lines(folder);
    const values = (tag: string): number[] =>
      all.flatMap(({ metrics }) => (typeof metrics[tag]?.value === 'number' ? [metrics[tag].value] : []));
    assert.equal(all.length, 90);
    assert.deepEqual(
      [totals.request_count.avg, totals.error_request_count.avg, totals.error_summary],
      [60, 30, [{ error_details: { code: 429, type: 'rejected', message: 'slow down "please"' }, count: 30 }]],
    );
    for (const tag of ['request_latency', 'time_to_first_token', 'inter_token_latency'] as const) {
      assert.ok(close(totals[tag]?.avg, mean(values(tag))), tag);
      assert.ok(close(totals[tag]?.p95, percentile(values(tag), 0.95)), tag);
      assert.equal(totals[tag]?.count, values(tag).length);
    }
    const { ttftUs, lastUs, tpotUs } = expected(run.all);
    assert.ok(close(totals.time_to_first_token?.avg, mean(ttftUs) / 1000));
    assert.ok(close(totals.request_latency?.avg, mean(lastUs) / 1000));
    assert.ok(close(totals.inter_token_latency?.avg, mean(tpotUs) / 1000));
    const failed = all.filter(({ error }) => error !== null);
    assert.equal(failed.length, 30);
    assert.deepEqual(Object.keys(failed[0]?.metrics ?? {}), ['error_isl']);
    assert.match(
      readFileSync(join(folder, 'aiperf', 'profile_export.jsonl'), 'utf8'),
      new RegExp(
        `"credit_issued_ns":${BigInt(Date.parse('2026-11-21T08:15:00Z')) * 1_000_000n + BigInt(run.all[0]?.due_us ?? 0) * 1000n},`,
      ),
    );
  });

  it('number sessions in the order in which they began, and requests without one each by itself', async (t) => {
    const folder = temporaryFolder(t);
    const at = (id: string, due: number, session: string | null, turn = 0): RequestRecord =>
      exampleRecord({ request_id: id, due_us: due * 1e6, sent_us: due * 1e6, session_id: session, turn });
    const records = [at('d', 3, 'B'), at('c', 2, 'A', 1), at('b', 1, null), at('a', 0, 'A')];
    await exported(await runOfRecords(records, null), folder);
    const found = lines(folder).map(({ metadata: { session_num, conversation_id, turn_index, x_request_id } }) => [
      session_num,
      conversation_id,
      turn_index,
      x_request_id.split('-').at(-1),
    ]);
    assert.deepEqual(found, [
      [2, 'B', 0, 'd'],
      [0, 'A', 1, 'c'],
      [1, 'b', 0, 'b'],
      [0, 'A', 0, 'a'],
    ]);
    const { sessions } = llmdReport.parse(readJson(folder, 'llmd.json')).results.session_performance ?? {};
    assert.deepEqual([sessions?.total, sessions?.failed, sessions?.session_duration.max], [2, 0, 2.14]);
  });

  it('hold a chunk as one gap, and what came of a broken stream', async (t) => {
    const folder = temporaryFolder(t);
    const chunks = exampleRecord({ token_times_us: Float64Array.of(100_000, 100_000, 140_000, 140_000, 140_000) });
    const broken = exampleRecord({ request_id: 'x', due_us: 5, sent_us: 5, outcome: 'stream_broken', error: null });
    await exported(await runOfRecords([chunks, broken], null), folder);
    const result = vllmResult.parse(readJson(folder, 'vllm.json'));
    assert.deepEqual(result.itls, [[0.04], [0.02, 0.02]]);
    assert.deepEqual(result.latencies, [0.14, 0]);
    assert.deepEqual(result.output_lens, [5, 0]);
    assert.deepEqual(result.errors, ['', 'stream_broken (HTTP 200)']);
    assert.deepEqual(lines(folder)[0]?.metrics['inter_chunk_latency']?.value, [40]);
  });

  it('are whole files of a run without an SLO, of one request, and of one in which all failed', async (t) => {
    for (const options of [
      { requests: 40, slo: null },
      { requests: 1, slo: SLO },
      { requests: 40, slo: SLO, fate: () => ({ outcome: 'timeout' as const, error: 'no token in 60 s' }) },
    ]) {
      const folder = temporaryFolder(t);
      const run = await someRun(options);
      await exported(run, folder);
      const failed = options.fate !== undefined;
      const llmd = readFileSync(join(folder, 'llmd.json'), 'utf8');
      assert.doesNotMatch(llmd, /null|NaN|Infinity/);
      if (!failed) llmdReport.parse(JSON.parse(llmd));
      const vllm = vllmResult.parse(readJson(folder, 'vllm.json'));
      assert.equal(vllmFigures(folder)['mean_ttft_ms'] === null, failed);
      assert.equal(vllm.request_goodput === null, options.slo === null);
      const aiperf = aiperfTotals.parse(readJson(folder, 'aiperf', 'profile_export_aiperf.json'));
      assert.equal(aiperf.time_to_first_token === undefined, failed);
      assert.equal(lines(folder).length, options.requests);
      for (const name of ['github-smaller.json', 'github-bigger.json']) githubEntries.parse(readJson(folder, name));
      bmf.parse(readJson(folder, 'bmf.json'));
      assert.equal(readXml(readFileSync(join(folder, 'junit.xml'), 'utf8')).name, 'testsuites');
    }
  });

  it('chart each figure by what is better, with the interval of the attainment', async (t) => {
    const folder = temporaryFolder(t);
    const run = await someRun({ requests: 600, slo: SLO });
    await exported(run, folder);
    const smaller = githubEntries.parse(readJson(folder, 'github-smaller.json'));
    const bigger = githubEntries.parse(readJson(folder, 'github-bigger.json'));
    const { latency_ms, slo } = run.summary;
    assert.equal(smaller.find(({ name }) => name === 'ttft-p99')?.value, latency_ms.ttft.p99);
    const attainment = bigger.find(({ name }) => name === 'slo-attainment');
    assert.equal(attainment?.value, slo?.attainment.joint);
    assert.match(attainment?.range ?? '', /^[\d.]+-[\d.]+ %$/);
    const [measures = {}] = Object.values(bmf.parse(readJson(folder, 'bmf.json')));
    assert.deepEqual(measures['slo-attainment'], {
      value: slo?.attainment.joint,
      lower_value: slo?.attainment.ci95?.[0],
      upper_value: slo?.attainment.ci95?.[1],
    });
    assert.equal(measures['ttft-p90']?.value, latency_ms.ttft.p90);
  });

  it('name the percentiles that failed requests leave without a value', async (t) => {
    const folder = temporaryFolder(t);
    const run = await someRun({ requests: 60, slo: SLO, fate: everyThirdFails });
    await exported(run, folder);
    const smaller = githubEntries.parse(readJson(folder, 'github-smaller.json'));
    assert.ok(!smaller.some(({ name }) => name === 'ttft-p90'));
    assert.match(smaller[0]?.extra ?? '', /no value, by failed requests: .*ttft-p90/);
    assert.equal(smaller.find(({ name }) => name === 'failed-requests')?.value, 20);
  });

  it('leave out warm-up, and what an interrupted run did not get to', async (t) => {
    const folder = temporaryFolder(t);
    const records = [
      exampleRecord({ request_id: 'warm', measured: false }),
      exampleRecord({ request_id: 'ok', due_us: 1e6, sent_us: 1e6 }),
      exampleRecord({
        request_id: 'later',
        due_us: 9e6,
        sent_us: null,
        outcome: 'unsent',
        token_times_us: new Float64Array(0),
      }),
    ];
    const manifest = { status: 'interrupted', reason: 'Ctrl-C' } as const;
    await exported(await runOfRecords(records, SLO, manifest), folder);
    assert.equal(vllmResult.parse(readJson(folder, 'vllm.json')).num_prompts, 1);
    const { requests } = llmdReport.parse(readJson(folder, 'llmd.json')).results.request_performance.aggregate;
    assert.deepEqual([requests.total, requests.failures, requests.incomplete], [2, 0, 1]);
    const aiperf = aiperfTotals.parse(readJson(folder, 'aiperf', 'profile_export_aiperf.json'));
    assert.deepEqual([aiperf.was_cancelled, aiperf.is_complete], [true, false]);
  });
});
