import assert from 'node:assert/strict';
import { it } from 'node:test';
import { requestsAt, traceLoad, type Rows } from '../../../src/search/goodput/load.ts';

const rows = (...dueS: number[]): Rows => ({
  dueUs: dueS.map((s) => s * 1e6),
  inputTokens: dueS.map((_, i) => 10 + i),
  outputTokens: dueS.map((_, i) => 1 + i),
  tooLong: 0,
});

it("the trace's own timing is scaled in time to a rate, as --rate scales it", () => {
  // 3 gaps in 6 s: 0.5 requests/s. At 2 requests/s time runs four times as fast.
  const trace = traceLoad(rows(10, 11, 11, 16), 100);
  assert.ok(trace !== null);
  assert.equal(trace.rateRps, 0.5);
  assert.deepEqual(
    requestsAt(trace.load, 4, 2, null).map(({ dueUs, inputTokens, outputTokens }) => [
      dueUs,
      inputTokens,
      outputTokens,
    ]),
    [
      [0, 10, 1],
      [250_000, 11, 2],
      [250_000, 12, 3],
      [1_500_000, 13, 4],
    ],
  );
});

it('a trace that is replayed end to end keeps its mean rate', () => {
  const trace = traceLoad(rows(0, 1, 4), 100);
  assert.ok(trace !== null);
  const due = requestsAt(trace.load, 6, trace.rateRps, null).map(({ dueUs }) => dueUs / 1e6);
  assert.deepEqual(due, [0, 1, 4, 6, 7, 10]);
});

it('of a long trace the first requests are taken, and a trace at one time has no timing', () => {
  const first = traceLoad(rows(0, 2, 4, 400), 3);
  assert.deepEqual([first?.rateRps, first?.load.dueS.length], [0.5, 3]);
  assert.equal(traceLoad(rows(7, 7, 7), 100), null);
  assert.equal(traceLoad(rows(7), 100), null);
});
