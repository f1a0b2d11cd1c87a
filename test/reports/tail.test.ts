import assert from 'node:assert/strict';
import { it } from 'node:test';
import { tailChart } from '../../reports/charts/tail-chart.ts';
import { ecdfOf } from '../../reports/data/ecdf.ts';

const values = Float64Array.from({ length: 10_000 }, (_, i) => (i + 1) * 1000);
const ecdf = ecdfOf(values, 0, null);

it('the tail has exact points up to the last request but one', () => {
  const { table } = tailChart({ ttft: ecdf, tpot: ecdf, e2e: ecdf });
  const ttft = table.rows.filter(([metric]) => metric === 'TTFT');
  assert.deepEqual(ttft.at(-1), ['TTFT', '99.9900', '9999']);
  for (const [, share, ms] of ttft) assert.equal(Number(ms), Math.round(Number(share) * 100));
  assert.ok(ttft.filter(([, share]) => Number(share) >= 99).length > 15, 'points in the last percent');
});

it('the tail ends where requests fail', () => {
  const failing = ecdfOf(values, 100, null);
  const chart = tailChart({ ttft: failing, tpot: failing, e2e: failing });
  assert.equal(chart.title, 'The tail ends where requests fail: 0.990 % do');
  assert.ok(chart.table.rows.every(([, share]) => Number(share) < 99.02));
});

it('the tail goes from the median to the last request but one where many have the same latency', () => {
  const same = ecdfOf(new Float64Array(50).fill(7000), 0, null);
  const ends = [
    ['TTFT', '50.0000', '7'],
    ['TTFT', '98.0000', '7'],
  ];
  const of = (each: typeof same): string[][] =>
    tailChart({ ttft: each, tpot: each, e2e: each })
      .table.rows.filter(([metric]) => metric === 'TTFT')
      .map((row) => [...row]);
  assert.deepEqual(of(same), ends);
  // Seven in ten take 7 ms, two take 9 ms, and the last as long as the one before it.
  const steps = ecdfOf(Float64Array.of(7e3, 7e3, 7e3, 7e3, 7e3, 7e3, 7e3, 9e3, 11e3, 11e3), 0, null);
  assert.deepEqual(
    of(steps).map(([, share, ms]) => [Number(share), Number(ms)]),
    [
      [50, 7],
      [70, 7],
      [80, 9],
      [90, 11],
    ],
  );
});
