import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindingCharts } from '../../reports/charts/goodput-binding-chart.ts';
import { attainmentByRate } from '../../reports/charts/goodput-attainment-chart.ts';
import { courseCharts } from '../../reports/charts/goodput-course-charts.ts';
import { latencyCharts, latencyLeftOut } from '../../reports/charts/goodput-latency-charts.ts';
import { goodputSections } from '../../reports/charts/goodput-sections.ts';
import type { GoodputProbe } from '../../src/schema/goodput.ts';
import { cutProbe, exampleGoodput, exampleProbe, TRACE_GOODPUT, TRAFFIC_GOODPUT } from './example-goodput.ts';

/** Every datum of a spec. */
function dataOf(spec: object): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  JSON.stringify(spec, (key, value: unknown) => {
    if (key === 'values' && Array.isArray(value)) found.push(...value.filter((each) => typeof each === 'object'));
    return value;
  });
  return found;
}

const binds = (probes: readonly GoodputProbe[]): string[] =>
  bindingCharts(exampleGoodput('trace', probes, [{}])).map(({ title }) => title);
const run = (rate: number, binding: GoodputProbe['binding'], missed: number): GoodputProbe =>
  exampleProbe('run', rate, { binding, missed, met: 400 - missed });

test('what binds is said by rate, where enough requests miss', () => {
  assert.deepEqual(binds([run(1, null, 0), run(2, 'tpot', 9), run(3, 'tpot', 90)]), [
    'TPOT binds from 2.00 requests/s on, TTFT nowhere',
  ]);
  assert.deepEqual(binds([run(1, 'ttft', 3), run(2, 'tpot', 9)]), ['TPOT binds from 2.00 requests/s on, TTFT nowhere']);
  assert.deepEqual(binds([run(1, 'tpot', 9), run(2, 'ttft', 9), run(3, 'ttft', 90)]), [
    'TPOT binds below 2.00 requests/s, TTFT binds from there on',
  ]);
  assert.deepEqual(binds([run(1, 'tpot', 9), run(2, 'ttft', 9), run(3, 'tpot', 90)]), [
    'Most misses are of TPOT at 2 and of TTFT at 1 of 3 rates',
  ]);
  assert.deepEqual(binds([run(1, null, 9), run(2, null, 90)]), ['Failures bind at every rate, TTFT and TPOT nowhere']);
  assert.deepEqual(binds([run(1, 'tpot', 2), run(2, 'ttft', 3)]), []);
});

test('a single limit can alone bind: no chart', () => {
  const slo = { text: 'tpot=25ms', limits_ms: { tpot: 25 } };
  assert.deepEqual(bindingCharts(exampleGoodput('trace', [run(1, 'tpot', 9), run(2, 'tpot', 90)], [{}], { slo })), []);
});

test('latencies by rate are of what went to its end, and say where p90 leaves the limit', () => {
  const [ttft, tpot, ...others] = latencyCharts(TRACE_GOODPUT);
  assert.equal(others.length, 0);
  assert.equal(ttft?.title, 'TTFT p90 is within its limit of 500 ms at every rate');
  assert.equal(tpot?.title, 'TPOT p90 is within its limit of 25 ms at every rate');
  assert.deepEqual(
    ttft?.table.rows.map(([rate]) => rate),
    ['8.00', '9.00', '10.0'],
  );
  assert.equal(
    latencyCharts(TRAFFIC_GOODPUT)[1]?.title,
    'Median TPOT p90 is beyond its limit of 25 ms from 10.6 requests/s on',
  );
});

test('latencies of pooled segments are called medians, where they are', () => {
  const columns = (report: typeof TRACE_GOODPUT): string | undefined => latencyCharts(report)[0]?.table.columns[2];
  assert.deepEqual([columns(TRACE_GOODPUT), columns(TRAFFIC_GOODPUT)], ['TTFT p90', 'TTFT p90 (median)']);
});

test('a percentile that falls on failed requests is no point, and its p90 is beyond the limit', () => {
  const fails = { p50: 5, p90: null, p99: null };
  const slow = exampleProbe('run', 20, { latency_ms: { ttft: fails, tpot: fails, e2e: fails } });
  const [ttft] = latencyCharts(exampleGoodput('trace', [exampleProbe('run', 8), slow], [{}]));
  assert.equal(ttft?.title, 'TTFT p90 is beyond its limit of 500 ms from 20.0 requests/s on');
  assert.deepEqual(ttft?.table.rows.at(-1), ['20.0', '5.00 ms', '-', '-']);
  assert.match(ttft?.note ?? '', /falls on failed requests is not drawn/);
});

test('of one rate, and of cut runs, there are no latencies, and the page says why', () => {
  const report = exampleGoodput('trace', [exampleProbe('run', 8), cutProbe('run', 9, false)], [{}]);
  assert.deepEqual(latencyCharts(report), []);
  assert.match(latencyLeftOut(report) ?? '', /two rates or more whose requests all came; 1 did/);
  assert.equal(latencyLeftOut(TRACE_GOODPUT), null);
});

test('a mark of a run opens its report; of one that was not kept it opens nothing', () => {
  const hrefs = (report: Parameters<typeof attainmentByRate>[0]): unknown[] =>
    dataOf(attainmentByRate(report).spec).flatMap(({ href }) => (href === undefined ? [] : [href]));
  assert.ok(hrefs(TRACE_GOODPUT).includes('probes/10rps/report.html'));
  const gone = { ...TRACE_GOODPUT, probes: TRACE_GOODPUT.probes.map((probe) => ({ ...probe, dir: null })) };
  assert.ok(hrefs(gone).every((href) => href === null));
  assert.doesNotMatch(JSON.stringify(attainmentByRate(gone).spec), /"href":\{/);
  assert.doesNotMatch(attainmentByRate(gone).note, /click/);
});

test('the fitted line crosses the goal at the goodput, its band at the ends of the interval', () => {
  const { spec } = attainmentByRate(TRAFFIC_GOODPUT);
  const curve = dataOf(spec).filter(
    ({ high, share, isCut }) => high !== undefined && share !== undefined && isCut === undefined,
  );
  assert.ok(curve.length > 20);
  const crossing = (of: 'low' | 'share' | 'high'): number => {
    const after = curve.findIndex((point) => Number(point[of]) < 0.9);
    const [a, b] = [curve[after - 1], curve[after]];
    assert.ok(a !== undefined && b !== undefined);
    const part = (Number(a[of]) - 0.9) / (Number(a[of]) - Number(b[of]));
    return Number(a['rps']) + part * (Number(b['rps']) - Number(a['rps']));
  };
  for (const [of, rps] of [
    ['low', 9.6],
    ['share', 10],
    ['high', 10.4],
  ] as const)
    assert.ok(Math.abs(crossing(of) - rps) < 0.01, `${of}: ${crossing(of)}`);
});

test('probes far from the segments are in the table alone, and the note says which', () => {
  const { note, table } = attainmentByRate(TRAFFIC_GOODPUT);
  assert.match(note, /Further off, in the table alone: a probe at 4\.00 requests\/s\./);
  assert.equal(table.rows.length, TRAFFIC_GOODPUT.probes.length);
});

test('the course of a search says what segments on both sides of the goodput meet, and when it settled', () => {
  const [shares, rates] = courseCharts(TRAFFIC_GOODPUT);
  assert.match(shares?.title ?? '', /^Segments below the goodput meet 9\d\.\d % at the median, those above 8\d\.\d %$/);
  assert.match(rates?.title ?? '', /^After [\d,]+ requests every segment is within 15 % of the goodput$/);
  assert.equal(shares?.table.rows.at(-1)?.[0], '13,280');
  assert.deepEqual(courseCharts(TRACE_GOODPUT), []);
});

test('charts have ids of their own, words without gaps, and a table', () => {
  for (const report of [TRACE_GOODPUT, TRAFFIC_GOODPUT]) {
    const charts = goodputSections(report).flatMap((section) => section.charts);
    assert.equal(new Set(charts.map(({ id }) => id)).size, charts.length);
    for (const { id, title, label, note, table } of charts) {
      for (const text of [title, label, note]) assert.doesNotMatch(text, /null|NaN|undefined|Infinity| {2}/, id);
      assert.ok(table.rows.length > 0, id);
      for (const row of table.rows) assert.equal(row.length, table.columns.length, id);
    }
  }
});
