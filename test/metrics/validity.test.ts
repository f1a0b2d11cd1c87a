import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientHealth, Manifest } from '../../src/schema/manifest.ts';
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
/** Requests whose first token comes so long after they were sent. */
const answered = (count: number, lateUs: number, ttftUs: number) =>
  late(count, lateUs).map((record) => ({ ...record, first_token_us: (record.sent_us ?? 0) + ttftUs }));
const withClient = (health: Partial<ClientHealth>) =>
  exampleManifest({ client: client === null ? null : { ...client, ...health } });
const withStalls = (...stalls: ClientHealth['stalls'][number][]) => withClient({ stalls });

test('a client that kept up is valid, and its health is passed on', () => {
  const found = validity(late(100, 300), exampleManifest());
  assert.deepEqual(found, {
    valid: true,
    judged: true,
    reasons: [],
    lateness_ms: { p50: 0.3, p90: 0.3, p99: 0.3, max: 0.3 },
    lateness_p90_limit_ms: 9.97,
    event_loop_delay_ms: { p50: 0.1, p90: 0.2, p99: 0.3, max: 1 },
    client_cpu_us_per_token: 0.5e6 / 300,
    reading_us_per_token: 0.3e6 / 300,
    spin_share: 0.05,
    core_wait_share: 0.01,
    stalled_share: 0,
    gc: { share: 0.002, longest_ms: 2, longest_at_s: 3 },
    unread: { share: 0.0005, longest_ms: 3, longest_at_s: 4 },
    stimulus: { requests: 100, gap_tolerance_ms: 1, gaps_apart: 0, bursts: null, rate: 1 },
    requests_touched: 0,
  });
});

test('what reading cost is at most all of the CPU besides polling, and not known of an older run', () => {
  const each = (reading_s: number | null) => validity(late(100, 300), withClient({ reading_s })).reading_us_per_token;
  assert.deepEqual([each(0.3), each(9), each(null)], [0.3e6 / 300, 0.5e6 / 300, null]);
});

test('one in a hundred late requests is borne, two are not', () => {
  assert.ok(validity([...late(99, 100), ...late(1, 60_000)], exampleManifest()).valid);
  const { valid, reasons } = validity([...late(98, 100), ...late(2, 60_000)], exampleManifest());
  assert.equal(valid, false);
  assert.equal(reasons.length, 1);
  assert.match(
    reasons[0] ?? '',
    /^the client fell behind: 1 % of requests left 60\.0 ms late or more .* 2\.0 % more than 50 ms; replay less /,
  );
  assert.ok(validity(answered(10, 10_000, 200_000), exampleManifest()).valid);
  assert.equal(validity(answered(10, 10_001, 200_000), exampleManifest()).valid, false);
});

test('one late request is an accident, however few there are; all of them are not', () => {
  for (const others of [39, 8, 1]) {
    const { valid, lateness_ms } = validity([...late(others, 100), ...late(1, 60_000)], exampleManifest());
    assert.deepEqual([valid, lateness_ms?.max], [true, 60], `one of ${others + 1}`);
  }
  assert.equal(validity([...late(38, 100), ...late(2, 60_000)], exampleManifest()).valid, false);
  assert.equal(validity(late(1, 60_000), exampleManifest()).valid, false);
});

test('a tenth of the requests may be late by 2 ms, or by a tenth of the TTFT p50', () => {
  const p90 = (lateUs: number, ttftUs: number) =>
    validity([...answered(80, 100, ttftUs), ...answered(20, lateUs, ttftUs)], exampleManifest());
  assert.ok(p90(2000, 15_000).valid);
  const short = p90(2001, 15_000);
  assert.equal(short.lateness_p90_limit_ms, 2);
  assert.match(
    short.reasons.join(),
    /^a tenth of the requests left 2\.001 ms late or more \(at most 2\.000 ms is valid\): .* see what else runs on this machine/,
  );
  assert.ok(p90(8000, 80_000).valid);
  assert.match(
    p90(8001, 80_000).reasons.join(),
    /\(at most 8\.000 ms is valid, a tenth of the TTFT p50 from sending\)/,
  );
});

test('the TTFT that lateness is compared with holds no lateness, and no request without a token', () => {
  // From the due time the TTFT p50 would be 28 ms; with failures as infinitely late there would be no limit.
  const failed = late(70, 8000).map((record) => ({ ...record, first_token_us: null }));
  const records = [...answered(60, 8000, 20_000), ...failed];
  const { valid, lateness_p90_limit_ms } = validity(records, exampleManifest());
  assert.deepEqual([valid, lateness_p90_limit_ms], [false, 2]);
});

test('waiting for a core for more than 4 % of the run makes it invalid; where that is not known, nothing is said', () => {
  const waited = (core_wait_s: number | null) => validity(late(10, 0), withClient({ core_wait_s }));
  assert.ok(waited(0.4).valid);
  assert.ok(waited(null).valid);
  assert.deepEqual(waited(0.401).reasons.length, 1);
  assert.match(
    waited(2).reasons.join(),
    /^the client waited for a core for 20\.0 % of the run \(at most 4\.0 % is valid\): other processes had it; .*taskset/,
  );
});

test('pauses of 20 ms and more for more than 1 % of the run make it invalid', () => {
  const pauses = (count: number) => {
    const stalls = Array.from({ length: count }, (_, i) => ({ from_us: i * 1e6, to_us: i * 1e6 + 25_000 }));
    return validity(late(10, 0), withStalls(...stalls));
  };
  assert.deepEqual([pauses(4).valid, pauses(4).stalled_share], [true, 0.01]);
  assert.match(
    pauses(5).reasons.join(),
    /^the client's event loop stood still for 1\.3 % of the run, in pauses of 20 ms or more \(at most 1\.0 % is valid\); see what/,
  );
});

test('a share just beyond its limit reads as beyond it', () => {
  const found = validity(
    late(10, 0),
    withClient({
      core_wait_s: 0.4004,
      stalls: [
        { from_us: 1e6, to_us: 1.05e6 },
        { from_us: 2e6, to_us: 2.0504e6 },
      ],
    }),
  );
  assert.match(found.reasons.join('\n'), /for 4\.004 % of the run \(at most 4\.000 % is valid\)/);
  assert.match(found.reasons.join('\n'), /for 1\.004 % of the run, .* \(at most 1\.000 % is valid\)/);
});

test('stalls count from the start of the replay on', () => {
  const before = validity(late(10, 0), withStalls({ from_us: -300_000, to_us: -1000 }, { from_us: -900, to_us: 0 }));
  assert.deepEqual([before.valid, before.stalled_share], [true, 0]);
  const across = validity(late(10, 0), withStalls({ from_us: -100_000, to_us: 88_000 }));
  assert.deepEqual([across.valid, across.stalled_share?.toFixed(6)], [true, '0.008800']);
  const long = validity(late(10, 0), withStalls({ from_us: -100_000, to_us: 188_000 }));
  assert.match(long.reasons[0] ?? '', /^the client stood still for 188 ms at 0\.0 s;/);
});

test('a run without a length has no shares', () => {
  const { valid, reasons, ...shares } = validity(late(1, 0), withClient({ duration_s: 0, stalls: [] }));
  assert.deepEqual([valid, reasons], [true, []]);
  assert.deepEqual([shares.spin_share, shares.core_wait_share, shares.stalled_share], [null, null, null]);
});

test('a stall of 100 ms makes a run invalid and says when; measured requests that were touched are counted', () => {
  const records = late(6, 0).map((record, i) => ({ ...record, client_stalled: i < 3, measured: i > 0 }));
  const short = validity(records, withStalls({ from_us: 1000, to_us: 2000 }));
  assert.equal(short.valid, true);
  assert.equal(short.requests_touched, 2);
  const long = validity(late(10, 0), withStalls({ from_us: 12_300_000, to_us: 12_612_000 }));
  assert.match(long.reasons[0] ?? '', /^the client stood still for 312 ms at 12\.3 s; was the machine /);
});

test('of many stalls the longest is told, and how many there were', () => {
  const stalls = Array.from({ length: 40 }, (_, i) => ({
    from_us: i * 1e6,
    to_us: i * 1e6 + (i === 7 ? 250_000 : 120_000),
  }));
  const { reasons } = validity(late(10, 0), withStalls({ from_us: 50e6, to_us: 50.01e6 }, ...stalls));
  assert.match(reasons[0] ?? '', /^the client stood still for 250 ms at 7\.0 s, the longest of 40 times;/);
});

test('who stood still is told: garbage collection, a wait for a core, or neither', () => {
  const told = (of: { gc_us?: number; core_wait_us?: number }): string =>
    validity(late(10, 0), withStalls({ from_us: 1e6, to_us: 1.2e6, ...of })).reasons.join('\n');
  assert.match(
    told({ gc_us: 150_000, core_wait_us: 20_000 }),
    /garbage collection had 150 ms of it: .*\n.*garbage collection had 150 ms/,
  );
  assert.match(told({ gc_us: 0, core_wait_us: 120_000 }), /other processes had its core for 120 ms of it: .*taskset/);
  assert.match(told({ gc_us: 90_000, core_wait_us: 90_000 }), /was the machine suspended, out of memory or busy\?/);
});

test('garbage collection and bytes unread are of the replayed time; of an older run they are not known', () => {
  const { gc, unread } = validity(late(10, 0), withClient({ gc: null, unread: null }));
  assert.deepEqual([gc, unread], [null, null]);
});

test('a client that sent in clumps is not valid, though none of them is late enough for that alone', () => {
  const clumped = Array.from({ length: 200 }, (_, i) => {
    const due_us = i * 4000;
    return exampleRecord({ due_us, sent_us: due_us + (9000 - (due_us % 9000)), first_token_us: due_us + 200_000 });
  });
  const { valid, reasons, stimulus } = validity(clumped, exampleManifest());
  assert.deepEqual([valid, reasons.length], [false, 1]);
  assert.match(reasons[0] ?? '', /^requests did not leave as planned/);
  assert.ok((stimulus?.gaps_apart ?? 0) > 0.5);
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
