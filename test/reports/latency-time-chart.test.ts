import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latencyTimeChart } from '../../reports/charts/latency-time-chart.ts';
import type { Chart } from '../../reports/charts/chart.ts';
import type { TimedLatency } from '../../reports/data/latency-timeline.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import { exampleRecord } from '../runs/example-records.ts';
import { overTime } from './over-time.ts';

/** TTFT in ms of the request due after so many seconds; null: it fails. */
type TtftAt = (dueS: number) => number | null;

interface Made {
  readonly perSecond: number;
  readonly seconds: number;
  readonly ttftMs: TtftAt;
  readonly limit_ms?: number;
  readonly metric?: TimedLatency;
  /** Of every request. */
  readonly tokens?: number;
}

function chart({ perSecond, seconds, ttftMs, limit_ms, metric = 'ttft', tokens = 3 }: Made): Chart {
  const records = Array.from({ length: perSecond * seconds }, (_, i) => {
    const due_us = Math.round((i * 1e6) / perSecond);
    const ms = ttftMs(due_us / 1e6);
    const [outcome, times] =
      ms === null
        ? (['timeout', new Float64Array(0)] as const)
        : (['ok', Float64Array.from({ length: tokens }, (_each, token) => ms * 1000 + token * 20_000)] as const);
    return exampleRecord({ due_us, sent_us: due_us, end_us: due_us + 1e6, token_times_us: times, outcome });
  });
  const line = overTime(records, null).latency_timelines[metric];
  return latencyTimeChart({ metric, line, limit_ms: limit_ms ?? null }).draw(true);
}

/** A minute, or as given, of a busy server. */
const titleOf = (ttftMs: TtftAt, made: Partial<Made> = {}): string =>
  chart({ perSecond: 100, seconds: 60, ttftMs, ...made }).title;

/** A latency around its median, by a seeded stream. */
function noisy(medianMs: (dueS: number) => number, spread: number): TtftAt {
  const random = randomStream(5, 'noise');
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random));
  return (dueS) => medianMs(dueS) * Math.exp(spread * normal());
}

describe('the title of latency over time', () => {
  it('says what p50 rises from and to, where it does not come down again', () => {
    const title = titleOf((dueS) => (dueS < 20 ? 80 : Math.min(12_000, 80 + (dueS - 20) * 600)));
    assert.match(title, /^TTFT p50 rises from 0\.080\d s to 1[12]\.\d s after [345]\d s$/);
  });

  it('names a peak that is more than chance, and how much it stands out', () => {
    const title = titleOf(noisy((dueS) => (dueS >= 30 && dueS < 36 ? 900 : 50), 0.3));
    assert.match(title, /^TTFT p50 peaks at 9\d\d ms after 3\d s, [12]\d\.\d times the median bin's$/);
  });

  it('calls no rise what comes down again', () => {
    const title = titleOf(noisy((dueS) => 10 + 15 * Math.sin((Math.PI * dueS) / 65), 0.05));
    assert.doesNotMatch(title, /rises/);
  });

  it('names a peak of the tail where p50 has none', () => {
    const title = titleOf((dueS) => (dueS >= 30 && dueS < 36 && Math.round(dueS * 100) % 4 === 0 ? 900 : 50));
    assert.match(title, /^TTFT p9[09] peaks at 900 ms after 3\d s, 18\.0 times the median bin's$/);
  });

  it('takes noise for noise: the range of p50, and no peak', () => {
    for (const spread of [0.05, 0.8]) {
      const title = titleOf(
        noisy(() => 50, spread),
        { perSecond: 10 },
      );
      assert.match(title, spread < 0.1 ? /^TTFT p50 stays between 4\d/ : /^TTFT p50 lies between [23]\d/);
      assert.doesNotMatch(title, /peak|rise/);
    }
    assert.equal(
      titleOf(() => 50),
      'TTFT p50 stays at 50.0 ms',
    );
  });

  it('says from when on more than half fail', () => {
    const rising: TtftAt = (dueS) => (dueS > 40 ? null : 50 + dueS * 100);
    assert.match(titleOf(rising), /^TTFT p50 rises from 0\.\d+ s to 4\.0\d s; from 4\d s on, more than half fail$/);
    assert.match(
      titleOf((dueS) => (dueS > 40 ? null : 50)),
      /^From 4\d s on, more than half fail$/,
    );
    assert.match(
      titleOf((dueS) => (dueS > 20 && dueS < 30 ? null : 50)),
      /^More than half fail at times, first after 2\d s$/,
    );
    assert.equal(
      titleOf((dueS) => (dueS * 10 < 1 ? 50 : null)),
      'More than half of the requests fail all the time',
    );
  });

  it('has nothing to say of few requests', () => {
    assert.equal(
      titleOf(() => 50, { perSecond: 1, seconds: 20 }),
      'TTFT by due time',
    );
  });

  it('has times in the unit of the axis', () => {
    const title = titleOf((dueS) => (dueS > 1000 && dueS < 1100 ? 900 : 50), { perSecond: 10, seconds: 1800 });
    assert.match(title, / after 1\d\.\d min, /);
  });
});

describe('latency over time', () => {
  it('draws the SLO and says so above the plot, where no curve is', () => {
    const spec = JSON.stringify(chart({ perSecond: 100, seconds: 60, ttftMs: () => 50, limit_ms: 200 }).spec);
    assert.match(spec, /"strokeDash"/);
    assert.match(spec, /"text":"dashed: the SLO, 200 ms"/);
    assert.doesNotMatch(JSON.stringify(chart({ perSecond: 100, seconds: 60, ttftMs: () => 50 }).spec), /"strokeDash"/);
  });

  it('has a line of p99 of many requests in a bin, of p90 of fewer, and says which', () => {
    assert.match(chart({ perSecond: 200, seconds: 60, ttftMs: () => 50 }).note, /thick: p50, thin: p99/);
    assert.match(chart({ perSecond: 8, seconds: 60, ttftMs: () => 50 }).note, /thick: p50, thin: p90/);
    assert.equal(chart({ perSecond: 1, seconds: 20, ttftMs: () => 50 }).note, 'n = 20 requests.');
  });

  it('stops its lines where a percentile falls on failed requests, which its table says too', () => {
    const { spec, table, note } = chart({ perSecond: 100, seconds: 60, ttftMs: (dueS) => (dueS > 40 ? null : 50) });
    assert.match(note, /^n = 6,000 requests, 1,999 failed; /);
    assert.match(JSON.stringify(spec), /"at":60,"ms":null/);
    assert.equal(table.columns.join(', '), 'from (s), requests, failed, TTFT p50 (ms), TTFT p90 (ms), TTFT p99 (ms)');
    const last = table.rows.findLast((row) => row[1] !== '0');
    assert.deepEqual(last?.slice(3), ['fails', 'fails', 'fails']);
    assert.match(JSON.stringify(spec), /after 50 s: \d+ requests, \d+ failed, TTFT p50 fails, p9[09] fails/);
  });

  it('counts requests of a single token as met, and says how many', () => {
    const { note } = chart({ perSecond: 10, seconds: 60, ttftMs: () => 50, metric: 'tpot', tokens: 1 });
    assert.match(note, /^n = 600 requests; 600 requests of a single token not drawn, counted as met\.$/);
  });

  it('has a place on its log axis for tokens that came all at once', () => {
    const records = Array.from({ length: 300 }, (_, i) =>
      exampleRecord({ due_us: i * 1e5, token_times_us: Float64Array.of(50_000, 50_000) }),
    );
    const line = overTime(records, null).latency_timelines.tpot;
    const { spec, title } = latencyTimeChart({ metric: 'tpot', line, limit_ms: 50 }).draw(true);
    assert.equal(title, 'TPOT p50 stays at 0 ms');
    assert.doesNotMatch(JSON.stringify(spec), /"(ms|to_ms)":0[,}]/);
  });
});
