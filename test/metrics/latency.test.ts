import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestRecord } from '../../src/core/record.ts';
import { LatencyCollector } from '../../src/metrics/latency.ts';
import { exampleRecord } from '../runs/example-records.ts';

const tables = (records: readonly RequestRecord[]) => {
  const collector = new LatencyCollector();
  for (const record of records) collector.add(record);
  return collector.tables();
};
const withTimes = (...times: number[]) => exampleRecord({ token_times_us: Float64Array.from(times) });

const only = (value: number) => {
  const same = { mean: value, p50: value, p90: value, p95: value, p99: value, p999: value, max: value };
  return { ...same, n: 1, missing: 0, missing_over_ms: null };
};

test('one request by hand: TTFT, TPOT, every gap, end to end, from due and from sent', () => {
  const record = exampleRecord({
    due_us: 1_000_000,
    sent_us: 1_030_000,
    token_times_us: Float64Array.of(100_000, 110_000, 170_000),
    end_us: 1_175_000,
  });
  const { fromDue, ok, service } = tables([record]);
  assert.deepEqual(fromDue.ttft, only(100));
  assert.deepEqual(fromDue.tpot, only(35));
  assert.deepEqual(fromDue.e2e, only(175));
  const gaps = { mean: 35, p50: 10, p90: 60, p95: 60, p99: 60, p999: 60, max: 60, n: 2, missing: 0 };
  assert.deepEqual(fromDue.itl, { ...gaps, missing_over_ms: null });
  assert.deepEqual(ok, fromDue);
  assert.deepEqual(service, { ...fromDue, ttft: only(70), e2e: only(145) });
});

test('tokens of one chunk are 0 apart', () => {
  const { fromDue } = tables([withTimes(100_000, 100_000, 140_000, 140_000)]);
  assert.equal(fromDue.itl.n, 3);
  assert.equal(fromDue.itl.p50, 0);
  assert.equal(fromDue.itl.max, 40);
  assert.equal(fromDue.tpot.p50, 40 / 3);
});

test('an answer of one token has no TPOT, and is not missing there', () => {
  const { fromDue } = tables([withTimes(100_000), withTimes(100_000, 120_000)]);
  assert.deepEqual([fromDue.tpot.n, fromDue.tpot.missing, fromDue.tpot.p99], [1, 0, 20]);
  assert.deepEqual([fromDue.ttft.n, fromDue.itl.n], [2, 1]);
});

test('with 5 % of requests reset, p95 is a number, p99 is null, and survivors have both', () => {
  const records = Array.from({ length: 100 }, (_, i) =>
    i < 5
      ? exampleRecord({
          outcome: 'stream_broken',
          token_times_us: Float64Array.of(50_000, 60_000),
          output_tokens_planned: 5,
        })
      : exampleRecord({ token_times_us: Float64Array.of(100_000 + i * 1000, 200_000 + i * 1000) }),
  );
  const { fromDue, ok, service } = tables(records);
  for (const table of [fromDue, service])
    for (const metric of ['ttft', 'tpot', 'e2e'] as const) {
      assert.deepEqual([table[metric].n, table[metric].missing], [95, 5], metric);
      assert.equal(table[metric].p99, null, metric);
      assert.notEqual(table[metric].p95, null, metric);
    }
  assert.equal(fromDue.ttft.p95, 199);
  assert.equal(fromDue.ttft.max, 199);
  assert.equal(ok.ttft.p99, 199);
  assert.equal(ok.ttft.missing, 0);
  // 95 gaps of answered requests, 5 that failed ones did show, 3 tokens of each of those never came.
  assert.deepEqual([fromDue.itl.n, fromDue.itl.missing], [100, 15]);
  assert.equal(fromDue.itl.p50, 100);
  assert.equal(fromDue.itl.p90, null);
  assert.deepEqual([ok.itl.n, ok.itl.p99], [95, 100]);
});

test('unsent requests and answers without a token are missing', () => {
  const none = { token_times_us: new Float64Array(0), output_tokens_planned: 3 };
  const { fromDue, ok } = tables([
    exampleRecord({ ...none, outcome: 'unsent', sent_us: null }),
    exampleRecord({ ...none, outcome: 'ok', end_us: 5000 }),
  ]);
  for (const metric of ['ttft', 'tpot', 'e2e'] as const)
    assert.deepEqual(fromDue[metric], {
      mean: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
      p999: null,
      max: null,
      n: 0,
      missing: 2,
      missing_over_ms: null,
    });
  assert.equal(fromDue.itl.missing, 6);
  assert.deepEqual([ok.ttft.n, ok.ttft.missing], [0, 0]);
});

test('missing values exceed the least time-out, where every one of them timed out without a token', () => {
  const none = { token_times_us: new Float64Array(0), output_tokens_planned: 3 };
  const timeout = (waitedUs: number, changes: Partial<RequestRecord> = {}): RequestRecord =>
    exampleRecord({
      ...none,
      outcome: 'timeout',
      due_us: 1_000_000,
      sent_us: 1_500_000,
      end_us: 1_000_000 + waitedUs,
      ...changes,
    });
  const over = (...records: readonly RequestRecord[]): (number | null)[] => {
    const { fromDue, ok, service } = tables([exampleRecord({}), ...records]);
    assert.deepEqual(
      [fromDue.tpot, fromDue.itl, ok.ttft, ok.e2e].map((stats) => stats.missing_over_ms),
      Array(4).fill(null),
    );
    return [fromDue.ttft, fromDue.e2e, service.ttft, service.e2e].map((stats) => stats.missing_over_ms);
  };
  assert.deepEqual(over(), [null, null, null, null]);
  assert.deepEqual(over(timeout(60_500_000), timeout(61_000_000)), [60_500, 60_500, 60_000, 60_000]);
  const withToken = timeout(90_000_000, { token_times_us: Float64Array.of(100_000) });
  assert.deepEqual(over(timeout(60_500_000), withToken), [null, 60_500, null, 60_000]);
  assert.deepEqual(over(timeout(60_500_000), exampleRecord({ ...none, outcome: 'rejected' })), Array(4).fill(null));
});
