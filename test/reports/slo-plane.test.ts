import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { sloPlaneLayers } from '../../reports/charts/slo-plane-layers.ts';
import { sloPlaneChart } from '../../reports/charts/slo-plane-chart.ts';
import { RankedSet } from '../../reports/data/ranked-set.ts';
import { LatencyRequests } from '../../reports/data/latency-requests.ts';
import { type SloPlane, sloPlane } from '../../reports/data/slo-plane.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import type { Slo } from '../../src/core/slo.ts';
import { summarise } from '../../src/metrics/summarise.ts';
import { meetsAll } from '../../src/metrics/judge.ts';
import { exampleManifest, exampleRun, inBatches } from './example-run.ts';

const { records } = await exampleRun({
  requests: 400,
  slo: null,
  maxOutputTokens: 60,
  fate: (index) => (index % 25 === 3 ? { outcome: 'timeout' } : null),
});

function planeOf(slo: Slo, at?: number, of: readonly RequestRecord[] = records): SloPlane {
  const requests = new LatencyRequests(slo);
  for (const record of of) requests.add(record);
  return sloPlane(requests, slo, at);
}

for (const slo of ['ttft=100ms,tpot=10ms', 'ttft=64521us', 'tpot=11ms,e2e=1s', 'e2e=700ms', 'ttft=10s,tpot=10s'])
  it(`the plane's share at ${slo} is the summary's attainment`, async () => {
    const manifest = exampleManifest(records, { requests: records.length, slo });
    const summary = await summarise(inBatches(records), manifest);
    assert.ok(summary.slo !== null);
    assert.equal(planeOf(summary.slo.limits_ms).share_at_slo, summary.slo.attainment.joint);
  });

it('every point of a contour is the strictest TPOT limit that its share meets', () => {
  const plane = planeOf({ ttft: 100, tpot: 10 });
  const count = (ttft: number, tpotUs: number): number =>
    records.filter((record) => {
      const times = record.token_times_us;
      const [first = Infinity, last = Infinity] = [times[0], times.at(-1)];
      return (
        record.outcome === 'ok' &&
        first <= ttft * 1000 &&
        (times.length < 2 || (last - first) / (times.length - 1) <= tpotUs)
      );
    }).length;
  for (const { percent, points } of plane.contours) {
    if (percent < 96) assert.ok(points.length > 20, `${percent} % has ${points.length} points`);
    else assert.equal(points.length, 0, '4 % failed');
    for (const { ttft_ms, tpot_ms } of points) {
      assert.ok(count(ttft_ms, tpot_ms * 1000 + 1e-6) * 100 >= percent * records.length);
      assert.ok(count(ttft_ms, tpot_ms * 1000 - 1e-3) * 100 < percent * records.length);
    }
  }
});

it('the strictest limits are met by 90 %, and nothing below them is', () => {
  const tpot = 20;
  const { strictest_ttft_ms } = planeOf({ ttft: 1, tpot });
  assert.ok(strictest_ttft_ms !== null);
  const share = (ttft: number): number =>
    records.filter((record) => meetsAll(record, { ttft, tpot })).length / records.length;
  assert.ok(share(strictest_ttft_ms) >= 0.9);
  assert.ok(share(strictest_ttft_ms - 0.001) < 0.9);
  assert.equal(planeOf({ ttft: 1, tpot: 1 }).strictest_ttft_ms, null);
});

it('the chart says what could be promised instead', () => {
  const slo = { ttft: 1, tpot: 20 };
  const chart = sloPlaneChart({ plane: planeOf(slo), slo });
  assert.equal(chart.title, 'The SLO did not reach 90 %: a looser TTFT limit alone would have');
  assert.match(
    chart.note,
    /90 % met TTFT <= [\d.]+ ms with TPOT <= 20 ms; no limit on TPOT was met by 90 % with TTFT <= 1 ms/,
  );
  assert.match(chart.note, /16 requests failed and meet no pair; no limits reach 99 %/);
});

it('the share wanted is the one asked for, drawn among the levels, and no promise', () => {
  const slo = { ttft: 100, tpot: 20 };
  const plane = planeOf(slo, 0.8);
  assert.deepEqual(
    plane.contours.map(({ percent }) => percent),
    [50, 80, 90, 95, 99],
  );
  const share = (ttft: number): number =>
    records.filter((record) => meetsAll(record, { ttft, tpot: slo.tpot })).length / records.length;
  assert.ok(plane.strictest_ttft_ms !== null && share(plane.strictest_ttft_ms) >= 0.8);
  assert.ok(share(plane.strictest_ttft_ms - 0.001) < 0.8);
  assert.match(sloPlaneChart({ plane, slo }).note, /80 % met TTFT <= /);
  const loose = { ttft: 10_000, tpot: 1000 };
  assert.equal(
    sloPlaneChart({ plane: planeOf(loose), slo: loose }).title,
    'The SLO was met by 96.0 % of these requests, 90 % wanted',
  );
});

it('where half of the requests meet no limits, lower levels are drawn, and where one in ten does, nothing is', () => {
  const failing = (share: number): SloPlane =>
    planeOf(
      { ttft: 100, tpot: 10 },
      undefined,
      records.map((record, index) => (index % 100 < share * 100 ? { ...record, outcome: 'timeout' } : record)),
    );
  const plane = failing(0.7);
  const levels = plane.contours.map(({ percent, points }) => [percent, points.length > 0]);
  assert.deepEqual(levels, [
    [10, true],
    [25, true],
  ]);
  const chart = sloPlaneChart({ plane, slo: { ttft: 100, tpot: 10 } });
  assert.equal(chart.title, 'No limits on TTFT and TPOT are met by half of the requests');
  assert.match(chart.note, /no limits reach 50 %, 90 %, 95 % and 99 %/);
  assert.ok(failing(0.95).contours.every(({ points }) => points.length === 0));
});

it('a ranked set knows its k-th smallest', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 70 }), fc.nat(80), (values, k) => {
      const set = new RankedSet(Float64Array.from(values));
      const kept = values.filter((_, i) => i % 3 !== 1);
      values.forEach((_, i) => i % 3 !== 1 && set.add(i));
      assert.equal(set.smallest(k), kept.toSorted((a, b) => a - b)[k - 1] ?? null);
    }),
  );
});

it('the strictest limit stands on the side of its point that has room', () => {
  const side = (ttft_ms: number): string | undefined => {
    const points = [10, ttft_ms, 1000].map((each, i) => ({ ttft_ms: each, tpot_ms: 30 - 10 * i }));
    const plane = {
      at_percent: 90,
      contours: [{ percent: 90, points }],
      share_at_slo: 0.5,
      strictest_ttft_ms: ttft_ms,
    };
    const layers = sloPlaneLayers({ ...plane, strictest_tpot_ms: null, requests: 100, never: 0 }, { tpot: 20 });
    return /"align":"(\w+)"[^}]*\},"encoding":(?!.*"encoding")/.exec(JSON.stringify(layers.at(-1)))?.[1];
  };
  assert.equal(side(20), 'left');
  assert.equal(side(900), 'right');
});
