import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { Concurrency } from '../../src/metrics/concurrency.ts';
import { heatMap } from '../../reports/data/heat.ts';
import { latencyMaps } from '../../reports/data/latency-maps.ts';
import { LatencyRequests } from '../../reports/data/latency-requests.ts';
import { exampleRun } from './example-run.ts';

it('mean requests in flight is what adding up the overlaps gives', () => {
  const span = fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 1000 }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 40 }), span, (spans, [from, length]) => {
      const concurrency = new Concurrency();
      for (const [start, stay] of spans) concurrency.add(start, start + stay);
      concurrency.add(0, Infinity);
      const overlaps = spans.map(([start, stay]) =>
        Math.max(0, Math.min(from + length, start + stay) - Math.max(from, start)),
      );
      const expected = 1 + overlaps.reduce((sum, each) => sum + each, 0) / length;
      assert.ok(Math.abs(concurrency.means()(from, from + length) - expected) < 1e-9);
    }),
  );
});

it('every pair is in one cell, within its edges', () => {
  const positive = fc.integer({ min: 1, max: 1_000_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(positive, positive), { maxLength: 100 }), (pairs) => {
      const map = heatMap(
        Float64Array.from(pairs, ([x]) => x),
        Float64Array.from(pairs, ([, y]) => y),
        new Float64Array(0),
      );
      const total = (counts: readonly { count: number }[]): number => counts.reduce((sum, { count }) => sum + count, 0);
      assert.deepEqual([total(map.cells), total(map.columns)], [pairs.length, pairs.length]);
      for (const [x, us] of pairs)
        assert.ok(
          map.cells.some(
            (cell) =>
              cell.from_x <= x * 1.000001 &&
              x <= cell.to_x * 1.000001 &&
              cell.from_ms <= us * 0.001000001 &&
              us <= cell.to_ms * 1000.001,
          ),
        );
    }),
  );
});

it("a column's median is that of its requests, failed ones as infinitely late", () => {
  const map = heatMap(Float64Array.of(1, 1, 1, 8), Float64Array.of(1000, 2000, 9000, 5000), Float64Array.of(8));
  assert.deepEqual(
    map.columns.map(({ count, failed, p50_ms, p90_ms }) => [count, failed, p50_ms, p90_ms]),
    [
      [3, 0, 2, 9],
      [1, 1, 5, null],
    ],
  );
  assert.deepEqual([map.requests, map.failed], [4, 1]);
});

it('maps are of measured requests, failed ones apart, in flight among all', async () => {
  const { records } = await exampleRun({
    requests: 50,
    slo: null,
    fate: (index) => (index % 10 === 3 ? { outcome: 'timeout', sent_us: 0, end_us: 900e6 } : null),
  });
  const inFlight = new Concurrency();
  const all = new LatencyRequests({});
  for (const [index, record] of records.entries()) {
    if (record.sent_us !== null) inFlight.add(record.sent_us, record.end_us ?? Infinity);
    if (index >= 10) all.add(record);
  }
  const { ttft_by_input, tpot_by_concurrency } = latencyMaps(all, inFlight);
  for (const { requests, failed, failed_unplaced } of [ttft_by_input, tpot_by_concurrency])
    assert.deepEqual([requests, failed, failed_unplaced], [36, 4, 0]);
  assert.ok(
    tpot_by_concurrency.cells.every(({ to_x }) => to_x >= 6 - 1e-9),
    'five that hang, and itself',
  );
});
