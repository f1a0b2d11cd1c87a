import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { LatencyRequests } from '../../reports/data/latency-requests.ts';
import { type LatencyBin, latencyTimelines, PERCENTILE_ERROR } from '../../reports/data/latency-timeline.ts';
import type { LatencyTimelines, TimedLatency } from '../../reports/data/latency-timeline.ts';
import { TimelineCollector } from '../../reports/data/timeline.ts';
import type { RequestRecord } from '../../src/core/record.ts';
import { exampleRecord } from '../runs/example-records.ts';

interface Made {
  readonly due_us: number;
  readonly ttft_us: number;
  /** Null: a single token. */
  readonly tpot_us: number | null;
  readonly isFailed: boolean;
}

const TOKENS = 5;

function recordOf({ due_us, ttft_us, tpot_us, isFailed }: Made): RequestRecord {
  const times = Float64Array.from({ length: tpot_us === null ? 1 : TOKENS }, (_, i) => ttft_us + i * (tpot_us ?? 0));
  return exampleRecord({
    due_us,
    sent_us: due_us,
    end_us: due_us + (times.at(-1) ?? 0),
    token_times_us: isFailed ? new Float64Array(0) : times,
    outcome: isFailed ? 'timeout' : 'ok',
  });
}

function timelinesOf(made: readonly Made[]): { lines: LatencyTimelines; binS: number; endS: number } {
  const [timeline, latencies] = [new TimelineCollector(null), new LatencyRequests({})];
  for (const record of made.map(recordOf)) {
    timeline.add(record);
    latencies.add(record);
  }
  const run = timeline.result();
  return { lines: latencyTimelines(latencies, run), binS: run.bin_s, endS: run.bins.at(-1)?.to_s ?? 0 };
}

/** The nearest rank over all, failed requests infinitely late. */
function percentile(us: readonly number[], failed: number, q: number): number {
  const all = [...us, ...Array.from({ length: failed }, () => Infinity)].toSorted((a, b) => a - b);
  return (all[Math.max(1, Math.ceil(all.length * q - 1e-9)) - 1] ?? Infinity) / 1000;
}

function percentilesAgree(bin: LatencyBin, us: readonly number[], failed: number): void {
  for (const [told, q] of [
    [bin.p50_ms, 0.5],
    [bin.p90_ms, 0.9],
    [bin.p99_ms, 0.99],
  ] as const) {
    const exact = percentile(us, failed, q);
    if (exact === Infinity) assert.equal(told, null);
    else assert.ok(Math.abs((told ?? Infinity) - exact) <= PERCENTILE_ERROR * exact + 1e-9, `p${q}: ${told}, ${exact}`);
  }
}

const REQUEST = fc.record({
  due_us: fc.integer({ min: 0, max: 60e6 }),
  ttft_us: fc.integer({ min: 1, max: 20e6 }),
  tpot_us: fc.option(fc.integer({ min: 1, max: 2e6 }), { freq: 8 }),
  isFailed: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});

it('every cell and every percentile of a bin is that of the requests due in it, at any length of run', () => {
  fc.assert(
    fc.property(
      fc.array(REQUEST, { minLength: 1, maxLength: 400 }),
      fc.constantFrom(0.01, 1, 300),
      (requests, stretch) => {
        const made = requests.map((each) => ({ ...each, due_us: Math.round(each.due_us * stretch) }));
        const { lines, binS, endS } = timelinesOf(made);
        for (const metric of ['ttft', 'tpot'] as const) {
          const line = lines[metric];
          assert.ok(Math.log2(line.bin_s / binS) % 1 === 0 && line.bin_s >= binS, 'whole bins of the timeline');
          assert.equal(line.bins.at(-1)?.to_s, endS, 'as long as the timeline');
          for (const bin of line.bins) {
            const due = made.filter(({ due_us }) => Math.floor(due_us / line.bin_s / 1e6) * line.bin_s === bin.from_s);
            const us = latenciesOf(due, metric);
            const failed = due.filter(({ isFailed }) => isFailed).length;
            assert.deepEqual([bin.count, bin.failed], [us.length, failed]);
            percentilesAgree(bin, us, failed);
            for (const cell of bin.cells)
              assert.equal(
                cell.count,
                us.filter((each) => each >= cell.from_ms * 1000 && each < cell.to_ms * 1000).length,
              );
            assert.equal(
              bin.cells.reduce((sum, { count }) => sum + count, 0),
              us.length,
            );
          }
          const rows = new Set(line.bins.flatMap(({ cells }) => cells.map(({ from_ms }) => from_ms)));
          assert.ok(rows.size <= 24, `${rows.size} rows`);
        }
      },
    ),
    { numRuns: 60 },
  );
});

function latenciesOf(due: readonly Made[], metric: TimedLatency): number[] {
  return due.flatMap(({ isFailed, ttft_us, tpot_us }) => {
    const us = metric === 'ttft' ? ttft_us : tpot_us;
    return isFailed || us === null ? [] : [us];
  });
}

/** So many requests a second, as long as it goes, each with this TTFT. */
function steady(perSecond: number, seconds: number, ttftUs: (i: number) => number): Made[] {
  return Array.from({ length: perSecond * seconds }, (_, i) => ({
    due_us: Math.round((i * 1e6) / perSecond),
    ttft_us: ttftUs(i),
    tpot_us: 1000,
    isFailed: false,
  }));
}

it('bins hold enough requests for p99 where the run is long enough, else for p90, and are the timeline’s where those do', () => {
  const many = timelinesOf(steady(100, 480, () => 1000));
  assert.deepEqual([many.lines.ttft.tail, many.lines.ttft.bin_s], ['p99', many.binS]);
  const fewer = timelinesOf(steady(20, 480, () => 1000));
  assert.deepEqual([fewer.lines.ttft.tail, fewer.lines.ttft.bin_s, fewer.binS], ['p99', 8, 2]);
  const few = timelinesOf(steady(5, 60, () => 1000));
  assert.deepEqual([few.lines.ttft.tail, few.lines.ttft.bin_s, few.binS], ['p90', 2, 1]);
  assert.equal(timelinesOf(steady(1, 20, () => 1000)).lines.ttft.tail, 'p90');
});

it('tokens that came all at once have no length, and those of a single token are counted apart', () => {
  const made = steady(4, 10, () => 50_000).map((each, i) => ({ ...each, tpot_us: i % 4 === 0 ? null : 0 }));
  const { tpot, ttft } = timelinesOf(made).lines;
  assert.deepEqual([tpot.count, tpot.not_drawn, ttft.not_drawn], [30, 10, 0]);
  assert.ok(tpot.bins.every(({ p50_ms, count }) => count === 0 || p50_ms === 0));
});

it('what is slow is slow against the whole run', () => {
  const made = steady(10, 60, (i) => (i >= 300 && i < 360 ? 900_000 + i : 10_000 + i));
  const { bins } = timelinesOf(made).lines.ttft;
  const sum = (of: (bin: LatencyBin) => number): number => bins.reduce((all, bin) => all + of(bin), 0);
  assert.ok(Math.abs(sum(({ slower_half }) => slower_half) - 300) <= 10);
  assert.ok(Math.abs(sum(({ slowest_tenth }) => slowest_tenth) - 60) <= 3);
  assert.ok(bins.filter(({ slowest_tenth }) => slowest_tenth > 0).every(({ from_s }) => from_s >= 29 && from_s < 36));
});
