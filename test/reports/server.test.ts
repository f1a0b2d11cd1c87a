import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { iterationTokensTitle, preemptionsTitle, serverLoadTitle } from '../../reports/charts/time-findings.ts';
import { ServerSeries } from '../../reports/data/server-timeline.ts';
import type { Timeline } from '../../reports/data/timeline.ts';
import { writeHtmlReport } from '../../reports/html/write-html-report.ts';
import { quantileText, serverNotes } from '../../reports/server-text.ts';
import { summaryText } from '../../reports/text/summary.ts';
import type { ServerSample } from '../../src/schema/server-metrics.ts';
import type { ServerLatency } from '../../src/schema/server-latency.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { exampleRun, inBatches } from './example-run.ts';
import { exampleScrapes } from './example-scrapes.ts';

function timelineOf(binS: number, count: number): Timeline {
  const bins = Array.from({ length: count }, (_, i) => ({
    from_s: i * binS,
    to_s: (i + 1) * binS,
    arrivals_per_s: 0,
    completions_per_s: 0,
    failures_per_s: 0,
    output_tokens_per_s: 0,
    in_flight: 0,
    lateness_ms: null,
    attainment: null,
    window_requests: 0,
  }));
  const none = { requests: 0, failed: 0, measured_requests: 0, measured_failed: 0, good: null, tokens: 0 };
  return { bins, bin_s: binS, excluded: [], window_s: 1, in_flight_peak: null, ...none };
}

const one = (name: string, value: number): ServerSample => ({ name, labels: '{}', value });

/** Running, tokens looked for and found at each time; null: the scrape failed. */
function seriesOf(told: readonly (readonly [timeS: number, numbers: readonly [number, number, number] | null])[]) {
  const series = new ServerSeries();
  for (const [timeS, numbers] of told)
    series.add({
      timeUs: timeS * 1e6,
      samples:
        numbers === null
          ? null
          : [
              one('vllm:num_requests_running', numbers[0]),
              one('vllm:prefix_cache_queries', numbers[1]),
              one('vllm:prefix_cache_hits', numbers[2]),
            ],
    });
  return series;
}

it('counters over time: preemptions a second, and tokens an iteration, of the time before each scrape', () => {
  const series = new ServerSeries();
  for (const [timeS, preemptions, tokens, iterations] of [
    [0, 2, 0, 0],
    [1, 2, 300, 10],
    [2, 8, 300, 10],
    [4, 10, 1700, 30],
  ] as const)
    series.add({
      timeUs: timeS * 1e6,
      samples: [
        one('vllm:num_preemptions_total', preemptions),
        one('vllm:iteration_tokens_total_sum', tokens),
        one('vllm:iteration_tokens_total_count', iterations),
        one('vllm:iteration_tokens_total_bucket', iterations),
      ],
    });
  const line = series.over(timelineOf(1, 5));
  assert.ok(line !== null);
  assert.deepEqual(
    line.bins.map(({ preemptions_per_s }) => preemptions_per_s),
    [null, 0, 6, 1, 1],
  );
  assert.deepEqual(
    line.bins.map(({ iteration_tokens }) => iteration_tokens),
    [null, 30, null, 70, 70],
  );
  assert.equal(line.preemptions, 8);
  assert.equal(preemptionsTitle(line), '8 preemptions, at most 6.00/s after 2 s');
  assert.equal(iterationTokensTitle(line), 'Tokens an iteration peak at 70 after 3 s');
  const flat = { ...line, bins: line.bins.map((bin) => ({ ...bin, iteration_tokens: bin.iteration_tokens && 30 })) };
  assert.equal(iterationTokensTitle(flat), 'An iteration computes at most 30 tokens');
});

describe('what the server told, over time', () => {
  const series = seriesOf([
    [-0.3, [0, 0, 0]],
    [0.5, [3, 100, 10]],
    [1.5, [5, 100, 10]],
    [2.5, null],
    [3.5, [7, 300, 110]],
    [4.5, [9, 20, 20]], // started again
    [5.5, [1, 40, 30]],
  ]);

  it('in bins shorter than its seconds: a gauge holds, a count is of the time before, what failed is a gap', () => {
    const bins = series.over(timelineOf(0.5, 12))?.bins ?? [];
    // At 0, 0.5, 1 ... 5.5 s.
    assert.deepEqual(
      bins.map(({ running }) => running),
      [0, 3, 3, 5, 5, null, null, 7, 7, 9, 9, 1],
    );
    assert.deepEqual(
      bins.map(({ prefix_hit_rate }) => prefix_hit_rate),
      [0.1, 0.1, null, null, null, null, 0.5, 0.5, null, null, 0.5, 0.5],
    );
    assert.ok(bins.every(({ waiting, kv_usage }) => waiting === null && kv_usage === null));
  });

  it('in bins longer than that: the mean of gauges, the sum of counts', () => {
    const bins = series.over(timelineOf(4, 2))?.bins ?? [];
    assert.deepEqual(
      bins.map(({ running }) => running),
      [5, 5],
    );
    assert.deepEqual(
      bins.map(({ prefix_hit_rate }) => prefix_hit_rate),
      [110 / 300, 0.5],
    );
  });

  it('a peak is of one scrape, however long the bins', () => {
    const peaked = series.over(timelineOf(4, 2))?.peaks;
    assert.deepEqual(peaked, { running: { value: 9, from_s: 4 }, waiting: null, kv_usage: null });
    const line = series.over(timelineOf(4, 2));
    assert.ok(line !== null);
    assert.equal(serverLoadTitle(line), 'Running in the server peaks at 9 after 4 s');
    assert.deepEqual(
      series.over(timelineOf(4, 1))?.peaks.running,
      { value: 7, from_s: 0 },
      'what came later is not in it',
    );
  });

  it('what it told long ago does not hold, and one that told nothing is not there', () => {
    const bins = seriesOf([[0.5, [3, 0, 0]]]).over(timelineOf(0.5, 10))?.bins ?? [];
    assert.deepEqual(
      bins.map(({ running }) => running),
      [null, 3, 3, 3, 3, 3, 3, null, null, null],
    );
    assert.equal(seriesOf([[0.5, null]]).over(timelineOf(0.5, 10)), null);
  });
});

it('a quantile is no surer than its bucket', () => {
  for (const [ms, bucket_ms, shown] of [
    [31.2, [20, 40], '31.2 ms (20-40 ms)'],
    [72, [0.07 * 1000, 80], '72.0 ms (70-80 ms)'],
    [1200, [750, 2500], '1.20 s (0.75-2.5 s)'],
    [5, [0, 10], 'up to 10 ms'],
    [null, [2_560_000, null], 'over 2,560 s'],
  ] as const)
    assert.equal(quantileText({ ms, bucket_ms }), shown);
  assert.equal(quantileText(null), '-');
});

describe('the notes beside the figures of a server', async () => {
  const { summary } = await exampleRun({ requests: 100, slo: null });
  const [ttft, itl] = [summary.service_latency_ms.ttft.mean ?? 0, summary.service_latency_ms.itl.mean ?? 0];
  const latency = (n: number, mean: number): ServerLatency => ({ n, mean, p50: null, p90: null, p99: null });
  const notes = (given: { n?: number; ttft?: number; itl?: number; failed?: number }): string[] => {
    const server: Summary['server'] = {
      scrapes: 60,
      scrapes_failed: given.failed ?? 0,
      counted_from_s: -0.3,
      counted_to_s: 60,
      running: null,
      waiting: null,
      kv_usage: null,
      prefix_hit_rate: null,
      preemptions: null,
      iteration_tokens: null,
      latency_ms: {
        ttft: latency(given.n ?? 100, given.ttft ?? ttft),
        itl: latency(5000, given.itl ?? itl),
        queue: null,
      },
    };
    return serverNotes({ ...summary, server });
  };

  it('nothing where both say the same', () => {
    assert.deepEqual(notes({}), []);
    assert.deepEqual(notes({ ttft: ttft - 4, itl: itl + 0.5 }), []);
    assert.deepEqual(serverNotes(summary), []);
  });

  it('a difference, with its usual causes; others; gaps', () => {
    for (const [given, says] of [
      [{ ttft: ttft / 2 }, /^The mean TTFT from sending is .* ms longer here .*front end/],
      [{ ttft: ttft * 2 }, /^The mean TTFT from sending is .* ms shorter here .*others/],
      [{ itl: itl / 2 }, /^The mean ITL from sending is .* longer here .*proxy/],
      [{ itl: itl * 2 }, /^The mean ITL from sending is .* shorter here .*one chunk/],
      [{ n: 120 }, /^The server counts 120 first tokens, this run sent 100 requests: others/],
      [{ failed: 3 }, /^3 of 60 scrapes failed/],
    ] as const) {
      const said = notes(given);
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', says);
    }
  });
});

it('a run whose server told of itself: charts, a section and lines; one whose server did not: none', async () => {
  const run = await exampleRun({ requests: 120, slo: null, scrapes: exampleScrapes });
  const page = await writeHtmlReport(run.summary, run.manifest, inBatches(run.records), exampleScrapes(run.records));
  for (const id of ['load', 'kv', 'preemptions', 'batch', 'prefix'])
    assert.ok(page.includes(`id="server-${id}"`), `server-${id}`);
  assert.match(page, /What the server says[^]*scrapes of its metrics/);
  assert.match(page, /TTFT<\/td>\s*<td class="left">server<\/td>/);
  const text = summaryText(run.summary, run.manifest, { color: false });
  assert.match(
    text,
    /^server +running \d.*, waiting \d.*, KV cache \d.* %\), prefix cache hits 30\.0 %, \d+ preemptions, \d.* tokens an iteration$/m,
  );
  assert.match(
    text,
    /^server TTFT +mean \d+(\.\d+)? ms \(ours from sending \d+(\.\d+)? ms\), p50 \d.* ms \(.*\), p99 /m,
  );

  const mute = await exampleRun({ requests: 120, slo: null });
  const without = await writeHtmlReport(mute.summary, mute.manifest, inBatches(mute.records));
  assert.doesNotMatch(without, /id="server|What the server says/);
  assert.doesNotMatch(summaryText(mute.summary, mute.manifest, { color: false }), /^server/m);
});
