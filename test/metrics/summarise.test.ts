import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { RecordBatch } from '../../src/core/record.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { anyBatch, exampleRecord } from '../runs/example-records.ts';
import { batches } from '../runs/temporary-run.ts';
import { exampleManifest } from './example-manifest.ts';

const slo = { text: 'ttft=150ms,tpot=30ms', limits_ms: { ttft: 150, tpot: 30 }, at: 0.9 };
const four: RecordBatch = [
  exampleRecord({ request_id: 'warm', measured: false, due_us: 0, sent_us: 0 }),
  exampleRecord({ request_id: 'good', due_us: 1_000_000, sent_us: 1_000_000 }),
  exampleRecord({
    request_id: 'slow',
    due_us: 2_000_000,
    sent_us: 2_000_000,
    token_times_us: Float64Array.of(400_000, 420_000),
    input_tokens: 30,
    input_tokens_planned: 30,
    output_tokens: 2,
    output_tokens_planned: 2,
  }),
  exampleRecord({
    request_id: 'refused',
    due_us: 3_000_000,
    sent_us: 3_000_000,
    end_us: 3_010_000,
    outcome: 'rejected',
    token_times_us: new Float64Array(0),
    input_tokens: null,
    output_tokens: null,
  }),
  exampleRecord({
    request_id: 'unsent',
    due_us: 5_000_000,
    sent_us: null,
    outcome: 'unsent',
    token_times_us: new Float64Array(0),
    input_tokens: null,
    output_tokens: null,
  }),
];

test('a small run by hand', async () => {
  const summary = await summarise(batches(four.slice(0, 2), four.slice(2)), exampleManifest({ slo }));
  assert.deepEqual(summary.requests, {
    scheduled: 4,
    sent: 3,
    ok: 2,
    failed: 2,
    stopped: 0,
    stopped_in_flight: 0,
    by_outcome: { ok: 2, rejected: 1, unsent: 1 },
    failures: [
      { outcome: 'rejected', http_status: 200, error: null, numbers_differ: false, count: 1 },
      { outcome: 'unsent', http_status: 200, error: null, numbers_differ: false, count: 1 },
    ],
  });
  assert.deepEqual(summary.workload.input_tokens, { mean: 15, p50: 10, p90: 30, p99: 30, max: 30 });
  assert.deepEqual(summary.delivered, {
    // Due from 1 s to 5 s, sent from 1 s to 3 s.
    asked: {
      requests: 4,
      duration_s: 4,
      rate_rps: 0.75,
      input_tokens_mean: 20,
      output_tokens_mean: 2.5,
      cached_tokens: null,
    },
    got: {
      requests: 2,
      duration_s: 2,
      rate_rps: 1,
      input_tokens_mean: 20,
      output_tokens_mean: 2.5,
      cached_tokens: null,
    },
    // The first due time, 1 s, to the last end, 3.01 s; sent from 1 s to 3 s.
    duration_s: 2.01,
    rate_rps: 1,
    input_tokens: { mean: 20, p50: 10, p90: 30, p99: 30, max: 30 },
    output_tokens: { mean: 2.5, p50: 2, p90: 3, p99: 3, max: 3 },
    input_deviation_tokens: { mean: 0, max: 0, requests: 0, counted: 2 },
    outputs: {
      requests: 2,
      as_asked: 2,
      short: 0,
      long: 0,
      asked_mean: 2.5,
      got_mean: 2.5,
      hidden_tokens: 0,
      misreported: 0,
      finish_reasons: { length: 2 },
    },
    lumps: { streams: 2, lumped: 0, tokens: 0, lumps: 0 },
    cached_tokens: null,
    prefix_reuse: null,
  });
  assert.deepEqual(summary.throughput, {
    requests_per_s: 2 / 2.01,
    good_requests_per_s: 1 / 2.01,
    input_tokens_per_s: 40 / 2.01,
    output_tokens_per_s: 5 / 2.01,
  });
  assert.deepEqual(summary.slo?.limits_ms, { ttft: 150, tpot: 30 });
  assert.equal(summary.slo?.attainment.joint, 0.25);
  // Two failed, and one answered request misses its TTFT.
  assert.equal(summary.slo?.binding, null);
  assert.equal(summary.latency_ms.ttft.p50, 400);
  assert.equal(summary.latency_ms.ttft.p90, null);
  // 140 + 140 + 420 + 10 ms in flight over the client's 10 s, where it sampled 0.1.
  assert.ok(Math.abs((summary.little_law_error ?? 0) - (0.1 - 0.071) / 0.071) < 1e-9);
  assert.equal(summary.records_sha256, null);
});

test('input tokens that the server does not count have no rate, unlike those of a run without an answer', async () => {
  const uncounted = four.map((record) => ({ ...record, input_tokens: null }));
  const { throughput } = await summarise(batches(uncounted), exampleManifest({ slo }));
  assert.equal(throughput.input_tokens_per_s, null);
  const failed = await summarise(batches(four.slice(3)), exampleManifest({ slo }));
  assert.equal(failed.throughput.input_tokens_per_s, 0);
});

test('what warm-up and cool-down leave out is counted, and in no figure but Little’s law', async () => {
  const span = { warmup_s: 1, cooldown_s: 4, from_us: 1_000_000, to_us: 6_000_000 };
  const cool = exampleRecord({
    request_id: 'cool',
    measured: false,
    due_us: 9_000_000,
    sent_us: 9_090_000,
    input_tokens: 999,
    output_tokens: 0,
    output_tokens_planned: 999,
    outcome: 'timeout',
    token_times_us: new Float64Array(0),
    end_us: 9_100_000,
  });
  const manifest = exampleManifest({ slo, measured: span });
  const workload = { ...manifest.workload, requests: 6 };
  const summary = await summarise(batches([...four, cool]), { ...manifest, workload });
  const without = await summarise(batches(four.slice(1)), exampleManifest({ slo }));
  assert.deepEqual(summary.left_out, {
    warmup_s: 1,
    cooldown_s: 4,
    from_s: 1,
    to_s: 6,
    warmup_requests: 1,
    cooldown_requests: 1,
    ok: 1,
  });
  // Asked: what the plan has between 1 s and 6 s, its rate from the first due time, 1 s, to the last, 5 s.
  const { requests, duration_s, rate_rps } = summary.workload;
  assert.deepEqual([requests, duration_s, rate_rps], [4, 5, 0.75]);
  for (const part of ['requests', 'delivered', 'throughput', 'latency_ms', 'service_latency_ms', 'slo'] as const)
    assert.deepEqual(summary[part], without[part], part);
  assert.deepEqual(summary.validity.lateness_ms, without.validity.lateness_ms);
  // 140 + 140 + 420 + 10 ms measured or warm, and 10 ms of the cool-down: the client sampled them all.
  assert.ok(Math.abs((summary.little_law_error ?? 0) - (0.1 - 0.072) / 0.072) < 1e-9);
  assert.equal(without.left_out, null);
});

test('prefix reuse: of the plan as the manifest has it, delivered over requests whose answers tell it', async () => {
  const workload = { ...exampleManifest({}).workload, prefix_reuse: 0.5 };
  const cached = (id: string, more: object): RecordBatch[number] => exampleRecord({ request_id: id, ...more });
  const records = [
    cached('half', { input_tokens: 30, cached_tokens: 16 }),
    cached('none', { input_tokens: 10, cached_tokens: 0 }),
    cached('not told', { input_tokens: 500, cached_tokens: null }),
    cached('failed', { input_tokens: 20, cached_tokens: 20, outcome: 'stream_broken' }),
    cached('warm', { input_tokens: 20, cached_tokens: 20, measured: false }),
  ];
  const summary = await summarise(batches(records), exampleManifest({ workload }));
  assert.deepEqual([summary.workload.prefix_reuse, summary.delivered.prefix_reuse], [0.5, 0.4]);
});

test('prompt lengths: as labelled by the manifest, off by what the server counted more or less than planned', async () => {
  const prompts = { form: 'text', lengths: 'approximate', tokenizer: null } as const;
  const counted = (id: string, input_tokens: number | null, more: object = {}): RecordBatch[number] =>
    exampleRecord({ request_id: id, input_tokens_planned: 100, input_tokens, ...more });
  const records = [
    counted('as planned', 100),
    counted('longer', 103),
    counted('shorter', 93),
    counted('not told', null),
    counted('failed', 500, { outcome: 'stream_broken' }),
    counted('warm', 500, { measured: false }),
  ];
  const { workload, delivered } = await summarise(batches(records), exampleManifest({ prompts }));
  assert.equal(workload.prompts, 'approximate');
  assert.deepEqual(delivered.input_deviation_tokens, { mean: -4 / 3, max: 7, requests: 2, counted: 3 });
  const untold = await summarise(batches(records.slice(3)), exampleManifest());
  assert.deepEqual([untold.workload.prompts, untold.delivered.input_deviation_tokens], [null, null]);
});

test('without an SLO there is no attainment; without both limits no fluidity; the digest is of virtual time', async () => {
  const plain = await summarise(batches(four), exampleManifest({ clock: 'virtual', client: null }));
  assert.deepEqual([plain.slo, plain.fluidity, plain.throughput.good_requests_per_s], [null, null, null]);
  assert.deepEqual([plain.little_law_error, plain.validity.valid], [null, true]);
  assert.match(plain.records_sha256 ?? '', /^[0-9a-f]{64}$/);
  const one = { text: 'ttft=1s', limits_ms: { ttft: 1000 }, at: 0.9 };
  assert.equal((await summarise(batches(four), exampleManifest({ slo: one }))).fluidity, null);
});

test('a run without records has a summary', async () => {
  const summary = await summarise(batches(), exampleManifest({ slo }));
  assert.equal(summary.requests.scheduled, 0);
  assert.deepEqual([summary.delivered.duration_s, summary.delivered.rate_rps], [0, 0]);
  assert.equal(summary.slo?.attainment.ci95, null);
  assert.doesNotMatch(JSON.stringify(summary), /null\.|NaN/);
});

test('the order of records changes nothing', async () => {
  await fc.assert(
    // Sums of microseconds of a year are exact.
    fc.asyncProperty(anyBatch(25, 366 * 86_400e6), async (records) => {
      const manifest = exampleManifest({ slo, clock: 'virtual', client: null });
      assert.deepEqual(
        await summarise(batches(records.toReversed()), manifest),
        await summarise(batches(records), manifest),
      );
    }),
    { numRuns: 40 },
  );
});
