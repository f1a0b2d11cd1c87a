import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { ValidityCollector } from '../../src/metrics/validity.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { exampleManifest } from './example-manifest.ts';

const validity = (records: readonly RequestRecord[], manifest: Manifest) => {
  const collector = new ValidityCollector(manifest);
  for (const record of records) collector.add(record);
  return collector.result();
};
const late = (count: number, lateUs: number) =>
  Array.from({ length: count }, (_, i) => exampleRecord({ due_us: i * 1000, sent_us: i * 1000 + lateUs }));
const client = exampleManifest().client;
const withStalls = (...stalls: { from_us: number; to_us: number }[]) =>
  exampleManifest({ client: client === null ? null : { ...client, stalls } });

test('a client that kept up is valid, and its health is passed on', () => {
  const found = validity(late(100, 300), exampleManifest());
  assert.deepEqual(found, {
    valid: true,
    reasons: [],
    lateness_ms: { p50: 0.3, p90: 0.3, p99: 0.3, max: 0.3 },
    event_loop_delay_ms: { p50: 0.1, p90: 0.2, p99: 0.3, max: 1 },
    client_cpu_us_per_token: 0.5e6 / 300,
    spin_share: 0.05,
    core_wait_share: 0.01,
    requests_touched: 0,
  });
});

test('one in a hundred late requests is borne, two are not', () => {
  assert.ok(validity([...late(99, 100), ...late(1, 60_000)], exampleManifest()).valid);
  const { valid, reasons } = validity([...late(98, 100), ...late(2, 60_000)], exampleManifest());
  assert.equal(valid, false);
  assert.equal(reasons.length, 1);
  assert.match(
    reasons[0] ?? '',
    /^the client fell behind: 1 % of requests left 60\.0 ms late or more .* 2\.0 % more than 50 ms$/,
  );
  assert.ok(validity(late(10, 10_000), exampleManifest()).valid);
  assert.equal(validity(late(10, 10_001), exampleManifest()).valid, false);
});

test('a stall of 100 ms makes a run invalid and says when; measured requests that were touched are counted', () => {
  const records = late(6, 0).map((record, i) => ({ ...record, client_stalled: i < 3, measured: i > 0 }));
  const short = validity(records, withStalls({ from_us: 1000, to_us: 2000 }));
  assert.equal(short.valid, true);
  assert.equal(short.requests_touched, 2);
  const long = validity(late(10, 0), withStalls({ from_us: 12_300_000, to_us: 12_612_000 }));
  assert.deepEqual(long.reasons, ['the client stood still for 312 ms at 12.3 s']);
});

test('of many stalls the longest is told, and how many there were', () => {
  const stalls = Array.from({ length: 40 }, (_, i) => ({
    from_us: i * 1e6,
    to_us: i * 1e6 + (i === 7 ? 250_000 : 120_000),
  }));
  const { reasons } = validity(late(10, 0), withStalls({ from_us: 50e6, to_us: 50.01e6 }, ...stalls));
  assert.deepEqual(reasons, ['the client stood still for 250 ms at 7.0 s, the longest of 40 times']);
});

test('a run whose client left no health is not valid', () => {
  const found = validity(late(10, 0), exampleManifest({ client: null, status: 'interrupted' }));
  assert.equal(found.valid, false);
  assert.match(found.reasons[0] ?? '', /before the health of its client was saved/);
});

test('in virtual time there is no client to fall behind', () => {
  const found = validity(late(10, 1e6), exampleManifest({ clock: 'virtual', client: null }));
  assert.deepEqual([found.valid, found.reasons, found.lateness_ms], [true, [], null]);
});

test('warm-up requests do not count for lateness', () => {
  const warmUp = late(50, 1e6).map((record) => ({ ...record, measured: false }));
  assert.ok(validity([...warmUp, ...late(50, 0)], exampleManifest()).valid);
});
