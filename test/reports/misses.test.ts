import assert from 'node:assert/strict';
import { it } from 'node:test';
import { missCharts } from '../../reports/charts/miss-charts.ts';
import { missSentence, worstSpan } from '../../reports/charts/miss-findings.ts';
import { missOf } from '../../reports/data/miss.ts';
import { MissCollector, type Misses, missedIn } from '../../reports/data/misses.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { meetsAll } from '../../src/metrics/judge.ts';
import { exampleRun } from './example-run.ts';

const SLO = { ttft: 100, tpot: 10, e2e: 2000 };
const { records } = await exampleRun({
  requests: 600,
  slo: null,
  fate: (index) => (index % 50 === 3 ? { outcome: 'timeout' } : null),
});

function missesOf(all: readonly RequestRecord[]): Misses {
  const collector = new MissCollector(SLO);
  for (const each of all) collector.add(each);
  return collector.result();
}

/** One answered request of two tokens, with what its target says of it; microseconds. */
function record(ttftUs: number, tpotUs: number, changes: Partial<RequestRecord> = {}): RequestRecord {
  const [first] = records;
  assert.ok(first !== undefined);
  const times = Float64Array.of(ttftUs, ttftUs + tpotUs);
  return { ...first, token_times_us: times, end_us: first.due_us + ttftUs + tpotUs, sent_us: first.due_us, ...changes };
}

it('misses are the requests that do not meet the SLO, each once in every view', () => {
  const misses = missesOf(records);
  const missed = records.filter((each) => !meetsAll(each, SLO)).length;
  assert.equal(misses.missed, missed);
  assert.equal(misses.kinds.failed, 12);
  const sum = (bins: Misses['far']): number => bins.reduce((total, bin) => total + missedIn(bin.missed), 0);
  assert.deepEqual([sum(misses.times), sum(misses.lengths), sum(misses.far)], [missed, missed, missed - 12]);
  const requests = (bins: Misses['far']): number => bins.reduce((total, bin) => total + bin.requests, 0);
  assert.deepEqual([requests(misses.times), requests(misses.lengths)], [600, 600]);
});

it('a miss is named by its limit, by how far and by the phase that took longest', () => {
  const phases = { prefill_queue_us: 150_000, prefill_us: 49_000, decode_us: 9_000 };
  assert.deepEqual(missOf(record(200_000, 9_000, phases), SLO), {
    kind: 'ttft',
    times_limit: 2,
    phase: 'prefill_queue',
  });
  assert.deepEqual(missOf(record(90_000, 30_000, { decode_us: 30_000 }), SLO), {
    kind: 'tpot',
    times_limit: 3,
    phase: 'decode',
  });
  assert.equal(missOf(record(200_000, 11_000, phases), SLO)?.kind, 'several');
  assert.equal(missOf(record(100_000, 10_000), SLO), null);
  assert.equal(missOf(record(200_000, 9_000), SLO)?.phase, 'unknown');
  assert.equal(missOf(record(200_000, 9_000, { sent_us: (records[0]?.due_us ?? 0) + 150_000 }), SLO)?.phase, 'client');
  const waited = { held_us: 140_000, sent_us: (records[0]?.due_us ?? 0) + 150_000 };
  assert.equal(missOf(record(200_000, 9_000, waited), SLO)?.phase, 'held');
});

it('a hand-over counts where it was: before the first token, or after it', () => {
  const phases = { prefill_queue_us: 1000, prefill_us: 20_000, transfer_us: 80_000, decode_queue_us: 5000 };
  const first = { ...phases, decode_us: 30_000 };
  assert.equal(missOf(record(120_000, 9_000, first), SLO)?.phase, 'transfer');
  assert.equal(missOf(record(121_000, 40_000, first), { tpot: 10 })?.phase, 'decode');
  assert.equal(missOf(record(21_000, 115_000, first), SLO)?.phase, 'transfer');
});

it('a value a little over its limit is in the first bin of how far', () => {
  assert.deepEqual(
    missesOf([record(100_001, 1), record(110_000, 1), record(1_000_000, 1)]).far.map((bin) => bin.requests),
    [1, 1, 0, 0, 0, 1],
  );
});

/** Requests 100 ms apart, of which some miss TTFT and some have long prompts. */
function course(count: number, missed: (i: number) => boolean, long: (i: number) => boolean): RequestRecord[] {
  return Array.from({ length: count }, (_, i) =>
    record(missed(i) ? 200_000 : 50_000, 1, {
      due_us: i * 100_000,
      sent_us: i * 100_000,
      input_tokens_planned: long(i) ? 5000 : 100,
      prefill_queue_us: 180_000,
      prefill_us: 20_000,
    }),
  );
}

function titleOf(misses: Misses, id: string): string | undefined {
  return missCharts(misses)
    .map(({ draw }) => draw())
    .find((chart) => chart.id === id)?.title;
}

it('the sentence names the phase and the time, and the time of the requests beside it', () => {
  const all = course(
    400,
    (i) => (i >= 100 && i < 140) || i === 300,
    () => false,
  );
  const misses = missesOf(all);
  assert.equal(
    missSentence(misses),
    '100 % of 41 misses waited longest in the prefill queue; 73.2 % were due between 10 s and 13 s, with 7.5 % of the requests.',
  );
  assert.equal(titleOf(misses, 'misses-time'), '73.2 % of misses and 7.5 % of requests were due from 10 s to 13 s');
  assert.equal(missSentence(missesOf(all.slice(0, 50))), null);
  const one = missesOf(all.slice(300, 301));
  assert.equal(missSentence(one), '100 % of the one miss waited longest in the prefill queue.');
});

it('long prompts are named where they miss beside shorter ones that do not', () => {
  const long = (i: number): boolean => (i * 7) % 5 === 0;
  const misses = missesOf(course(400, (i) => long(i) && i % 2 === 0, long));
  assert.equal(
    titleOf(missesOf(course(400, (i) => (long(i) && i % 3 !== 0) || i % 37 === 0, long)), 'misses-length')?.replace(
      /[\d.]+ times/,
      'N times',
    ),
    'Prompts of 4,096 tokens and more miss N times as often',
  );
  assert.doesNotMatch(missSentence(misses) ?? '', /prompts of/, 'shorter ones never miss: no ratio');
});

it('long prompts are not named where they came together with the misses', () => {
  // From 10 s to 30 s most prompts are long and half of all miss, whatever their length.
  const busy = (i: number): boolean => i >= 100 && i < 300;
  const confounded = course(
    400,
    (i) => (busy(i) ? (i * 13) % 8 < 4 : i % 50 === 0),
    (i) => (busy(i) ? (i * 7) % 10 < 8 : (i * 7) % 10 < 1),
  );
  const misses = missesOf(confounded);
  const [short, long] = [misses.lengths[0], misses.lengths.at(-1)];
  assert.ok(short !== undefined && long !== undefined);
  assert.ok(missedIn(long.missed) / long.requests > 2 * (missedIn(short.missed) / short.requests));
  assert.equal(titleOf(misses, 'misses-length'), 'Misses by length of prompt');
  assert.doesNotMatch(missSentence(misses) ?? '', /prompts of/);
  // Nor where the long ones alone came in the bad time, or few did.
  assert.equal(titleOf(missesOf(course(400, busy, busy)), 'misses-length'), 'Misses by length of prompt');
  const few = course(
    60,
    (i) => i % 5 === 0,
    (i) => i % 10 === 0,
  );
  assert.equal(titleOf(missesOf(few), 'misses-length'), 'Misses by length of prompt');
});

it('prompts of any length miss alike only where enough did', () => {
  const alike = (count: number): string | undefined =>
    titleOf(
      missesOf(
        course(
          count,
          (i) => i % 4 < 2,
          (i) => i % 2 === 0,
        ),
      ),
      'misses-length',
    );
  assert.equal(alike(400), 'Prompts of any length miss about as often');
  assert.equal(alike(30), 'Misses by length of prompt');
});

it('prompts miss alike only where the shares lie close and no length stands out', () => {
  // Shares of misses in each octave from 64 tokens up, 100 requests each, mixed in time.
  const titled = (shares: readonly number[], each = 100): string | undefined =>
    titleOf(
      missesOf(
        Array.from({ length: each * shares.length }, (_, i) => {
          const octave = i % shares.length;
          const nth = Math.floor(i / shares.length);
          const share = shares[octave] ?? 0;
          const isMissed = Math.floor((nth + 1) * share + 1e-9) > Math.floor(nth * share + 1e-9);
          const due_us = i * 100_000;
          return record(isMissed ? 200_000 : 50_000, 1, {
            due_us,
            sent_us: due_us,
            input_tokens_planned: 64 * 2 ** octave,
          });
        }),
      ),
      'misses-length',
    );
  assert.equal(titled([0.5, 0.52, 0.48, 0.51]), 'Prompts of any length miss about as often');
  assert.equal(titled([1, 1, 1]), 'Prompts of any length miss about as often');
  assert.equal(titled([0.68, 0.72, 0.8, 0.9, 1]), 'Misses by length of prompt');
  assert.equal(titled([0.5, 0.65, 0.5, 0.55]), 'Misses by length of prompt', 'a length in between stands out');
  assert.equal(titled([0.5, 0.58], 2000), 'Misses by length of prompt', 'more than chance');
});

it('a span is not named for its misses where the requests are', () => {
  const burst = (i: number): number => (i < 300 ? 10_000_000 + i * 3000 : (i - 300) * 300_000);
  const all = course(
    400,
    (i) => i % 5 === 0,
    () => false,
  ).map((each, i) => ({ ...each, due_us: burst(i), sent_us: burst(i) }));
  assert.equal(worstSpan(missesOf(all)), null);
});

it('with fewer than five misses there is no chart of them', () => {
  const least = missCharts(
    missesOf(
      course(
        50,
        (i) => i < 4,
        () => false,
      ),
    ),
  ).map(({ n, least: needed }) => n >= needed);
  assert.deepEqual([...new Set(least)], [false]);
});

it('a few misses at one time are placed, fewer or scattered ones are not', () => {
  const span = (missed: (i: number) => boolean): ReturnType<typeof worstSpan> =>
    worstSpan(
      missesOf(Array.from({ length: 400 }, (_, i) => record(missed(i) ? 200_000 : 50_000, 1, { due_us: i * 100_000 }))),
    );
  assert.deepEqual(
    span((i) => i >= 200 && i < 210),
    { from: 20, to: 21, share: 1, of_requests: 0.025 },
  );
  assert.equal(
    span((i) => i >= 200 && i < 209),
    null,
  );
  assert.equal(
    span((i) => i % 40 === 0),
    null,
  );
});
