import { timeUnit } from '../../src/core/units.ts';
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import { timeCharts } from '../../reports/charts/time-charts.ts';

import { TimelineCollector } from '../../reports/data/timeline.ts';
import { exampleRun } from './example-run.ts';
import { overTime } from './over-time.ts';

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.max(1, expected), `${actual} is not ${expected}`);
}

it('bins hold every arrival, end and token, and the whole time in flight, at any length of run', async () => {
  const { records } = await exampleRun({ requests: 200, slo: null });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0.01, max: 5000, noNaN: true }), (count, scale) => {
      const stretched = records.slice(0, count).map((record) => ({
        ...record,
        due_us: Math.round(record.due_us * scale),
        sent_us: Math.round(record.due_us * scale) + 40,
        end_us: Math.round(record.due_us * scale) + (record.end_us ?? 0) - record.due_us,
      }));
      const collector = new TimelineCollector(null);
      for (const record of stretched) collector.add(record);
      const { bins, bin_s, requests } = collector.result();
      assert.ok(bins.length <= 240);
      assert.equal(requests, count);
      near(total(bins.map((bin) => bin.arrivals_per_s * bin_s)), count);
      near(total(bins.map((bin) => bin.completions_per_s * bin_s)), count);
      near(
        total(bins.map((bin) => bin.output_tokens_per_s * bin_s)),
        total(stretched.map((record) => record.token_times_us.length)),
      );
      near(
        total(bins.map((bin) => bin.in_flight * bin_s)),
        total(stretched.map((record) => (record.end_us - record.sent_us) / 1e6)),
      );
    }),
    { numRuns: 40 },
  );
});

it('what was cut off is in flight to the end, and what failed is counted where it was due', async () => {
  const { records } = await exampleRun({
    requests: 100,
    slo: null,
    fate: (index) => (index === 0 ? { outcome: 'cut', sent_us: 0 } : index === 50 ? { outcome: 'unsent' } : null),
  });
  const collector = new TimelineCollector(null);
  for (const record of records) collector.add(record);
  const { bins, bin_s } = collector.result();
  assert.ok(bins.slice(0, -1).every((bin) => bin.in_flight >= 1 || bin.from_s === 0));
  const failures = bins.filter((bin) => bin.failures_per_s > 0);
  const dueS = (records[50]?.due_us ?? 0) / 1e6;
  assert.ok(failures.some((bin) => bin.from_s <= dueS && dueS < bin.to_s));
  assert.equal(
    failures.reduce((sum, bin) => sum + bin.failures_per_s * bin_s, 0),
    2,
  );
});

it('lateness is that of the latest of each bin without its wait for a place, at any length of run', async () => {
  const { records } = await exampleRun({
    requests: 200,
    slo: null,
    fate: (index) => (index === 50 ? { outcome: 'unsent' } : null),
  });
  for (const scale of [0.1, 1, 400]) {
    const collector = new TimelineCollector(null);
    const late = records.map((record, index) => ({
      due_us: Math.round(record.due_us * scale),
      lateUs: record.sent_us === null ? null : (index * 37) % 200,
    }));
    for (const [i, { due_us, lateUs }] of late.entries()) {
      const [record] = records.slice(i, i + 1);
      if (record !== undefined)
        collector.add({
          ...record,
          due_us,
          held_us: 500,
          sent_us: lateUs === null ? null : due_us + 500 + lateUs,
          end_us: due_us + 1000,
        });
    }
    for (const { from_s, to_s, lateness_ms } of collector.result().bins) {
      const sent = late.filter(
        ({ due_us, lateUs }) => lateUs !== null && due_us >= from_s * 1e6 && due_us < to_s * 1e6,
      );
      assert.equal(lateness_ms, sent.length === 0 ? null : Math.max(...sent.map(({ lateUs }) => lateUs ?? 0)) / 1000);
    }
  }
});

it('warm-up and cool-down are in the load and in no attainment', async () => {
  const { records } = await exampleRun({ requests: 300, slo: null });
  const [from, to] = [10e6, 40e6];
  const span = { warmup_s: 10, cooldown_s: 8, from_us: from, to_us: to };
  const collector = new TimelineCollector({ ttft: 10_000 }, span);
  let measured = 0;
  for (const record of records) {
    const inside = record.due_us >= from && record.due_us <= to;
    if (inside) measured++;
    // What is not measured would fail: it must not show.
    collector.add(inside ? record : { ...record, measured: false, outcome: 'timeout' });
  }
  const { bins, bin_s, excluded, requests, measured_requests } = collector.result();
  assert.deepEqual([requests, measured_requests], [300, measured]);
  near(total(bins.map((bin) => bin.arrivals_per_s * bin_s)), 300);
  assert.ok(bins.every(({ attainment }) => attainment === null || attainment === 1));
  assert.ok(bins.some(({ attainment }) => attainment === 1));
  assert.equal(bins[0]?.attainment, null);
  assert.deepEqual(excluded, [
    { from_s: 0, to_s: 10 },
    { from_s: 40, to_s: 48 },
  ]);
});

it('attainment over time needs an SLO and ten requests', async () => {
  const { records } = await exampleRun({ requests: 300, slo: null });
  const attainment = (slo: { ttft: number } | null, count: number): (number | null)[] => {
    const collector = new TimelineCollector(slo);
    for (const record of records.slice(0, count)) collector.add(record);
    return collector.result().bins.map((bin) => bin.attainment);
  };
  assert.ok(attainment(null, 300).every((share) => share === null));
  assert.ok(attainment({ ttft: 1 }, 9).every((share) => share === null));
  assert.ok(attainment({ ttft: 1 }, 300).some((share) => share === 0));
  assert.ok(attainment({ ttft: 10_000 }, 300).every((share) => share === null || share === 1));
});

it('a panel of zeros alone has an axis, and times stand in the unit of the run', async () => {
  const { records, summary } = await exampleRun({
    requests: 20,
    slo: null,
    fate: () => ({ outcome: 'unsent', sent_us: null }),
  });
  const charts = timeCharts(summary, overTime(records, null)).map(({ draw }) => draw());
  const inFlight = charts.find(({ id }) => id === 'in-flight');
  assert.ok(inFlight !== undefined);
  assert.equal(inFlight.title, 'Nothing was in flight');
  const view = await new View(parse(compile(inFlight.spec).spec), { renderer: 'none' }).runAsync();
  assert.deepEqual(view.scale('y').domain(), [0, 1]);
  assert.deepEqual(
    [0.05, 1, 599, 601, 20_000].map((endS) => timeUnit(endS).unit),
    ['ms', 's', 's', 'min', 'h'],
  );
});
