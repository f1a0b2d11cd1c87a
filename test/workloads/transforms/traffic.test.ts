import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Source } from '../../../src/core/plan.ts';
import type { Request } from '../../../src/core/request.ts';
import { meanRate } from '../../../src/core/rate.ts';
import { applyTransforms, trafficPosition } from '../../../workloads/index.ts';

/** 1,000 requests in 20 minutes, as many in the first two as in all others. */
const ROWS: Request[] = Array.from({ length: 1000 }, (_, i) => ({
  id: `r${i}`,
  traceRow: i + 2,
  dueUs: i < 500 ? i * 240_000 : 120e6 + (i - 500) * 2_160_000,
  inputTokens: 10 + i,
  outputTokens: 1 + (i % 7),
  session: `s${i % 5}`,
  turn: i,
}));

const SOURCE: Source = {
  name: 'rows',
  format: 'native',
  path: '',
  transforms: [],
  open: async function* () {
    yield ROWS.slice(0, 600);
    yield ROWS.slice(600);
  },
};

async function traffic(arrivals: string, requests: number, seed = 1): Promise<Request[]> {
  const { source } = await applyTransforms(SOURCE, [{ op: 'traffic', args: { arrivals, requests, seed } }]);
  const all: Request[] = [];
  for await (const batch of source.open()) all.push(...batch);
  return all;
}

const rateOf = (requests: readonly Request[]): number =>
  meanRate(requests.length, requests[0]?.dueUs ?? 0, requests.at(-1)?.dueUs ?? 0) ?? 0;

for (const arrivals of ['trace', 'poisson'])
  test(`traffic of ${arrivals} arrivals has the trace's rows and mean rate, its ids their positions, and the seed decides`, async () => {
    const all = await traffic(arrivals, 10_000);
    assert.equal(all.length, 10_000);
    assert.deepEqual(
      all.map(({ id }) => trafficPosition(id)),
      all.map((_, i) => i),
    );
    assert.ok(all.every(({ dueUs }, i) => Number.isInteger(dueUs) && dueUs >= (all[i - 1]?.dueUs ?? 0)));
    for (const { traceRow, inputTokens, outputTokens, session } of all) {
      const row = ROWS[traceRow - 2];
      assert.deepEqual([inputTokens, outputTokens, session], [row?.inputTokens, row?.outputTokens, undefined]);
    }
    assert.ok(Math.abs(rateOf(all) / rateOf(ROWS) - 1) < 0.05, `${rateOf(all)} for ${rateOf(ROWS)}`);
    assert.deepEqual(await traffic(arrivals, 10_000), all);
    assert.notDeepEqual(await traffic(arrivals, 10_000, 2), all);
    assert.deepEqual(await traffic(arrivals, 100), all.slice(0, 100));
  });

test('pieces of the trace keep their gaps, and each comes once before any comes again', async () => {
  const all = await traffic('trace', 1000);
  assert.equal(new Set(all.map(({ traceRow }) => traceRow)).size, 1000);
  const gaps = all.slice(1).flatMap((request, i) => {
    const before = all[i];
    return before !== undefined && request.traceRow === before.traceRow + 1 ? [request.dueUs - before.dueUs] : [];
  });
  assert.ok(gaps.length > 950 && gaps.every((gap) => [240_000, 2_160_000].some((own) => Math.abs(gap - own) <= 1)));
});
