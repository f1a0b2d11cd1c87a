import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { heatChart } from '../../reports/charts/heat-chart.ts';
import { follows } from '../../reports/data/follows.ts';
import { latencyMaps, type LatencyMap } from '../../reports/data/latency-maps.ts';
import { LatencyRequests } from '../../reports/data/latency-requests.ts';
import { Concurrency } from '../../src/metrics/concurrency.ts';
import { randomStream, uniform } from '../../src/core/random.ts';
import { exampleRecord } from '../runs/example-records.ts';

const REQUESTS = 400;

interface Sample {
  readonly tokens: number;
  readonly ttft_ms: number;
  readonly failed?: boolean;
}

/** TTFT by input tokens of requests 100 ms apart. `at` runs from 0 to 1 over the run. */
function mapOf(sample: (at: number, random: () => number, i: number) => Sample, requests = REQUESTS): LatencyMap {
  const stream = randomStream(3, 'follows');
  const all = new LatencyRequests({});
  for (let i = 0; i < requests; i++) {
    const { tokens, ttft_ms, failed = false } = sample(i / requests, () => uniform(stream), i);
    const due_us = i * 100_000;
    const times = failed ? [] : [0, 1, 2].map((token) => Math.round((ttft_ms + 10 * token) * 1000));
    all.add(
      exampleRecord({
        request_id: `r${i}`,
        due_us,
        sent_us: due_us,
        end_us: due_us + (times.at(-1) ?? 1000),
        input_tokens_planned: Math.max(1, Math.round(tokens)),
        token_times_us: Float64Array.from(times),
        outcome: failed ? 'rejected' : 'ok',
      }),
    );
  }
  return latencyMaps(all, new Concurrency()).ttft_by_input;
}

const chartOf = (map: LatencyMap, limit_ms: number | null = null): ReturnType<typeof heatChart> =>
  heatChart({ id: 'ttft-by-input', metric: 'ttft', map, x: 'input tokens', limit_ms, not_drawn: 'of unknown length' });

describe('TTFT by input tokens', () => {
  it('is said to grow where longer prompts take longer beside shorter ones', () => {
    const map = mapOf((_, random) => {
      const tokens = 100 * 2 ** (6 * random());
      return { tokens, ttft_ms: 20 + tokens * 0.1 * (0.8 + 0.4 * random()) };
    });
    assert.match(chartOf(map).title, /^Median TTFT grows from [\d.]+ ms to [\d.]+ ms together with input tokens$/);
    assert.match(chartOf(map, 200).title, /^From [\d,]+ input tokens on, more than half miss TTFT <= 200 ms$/);
  });

  for (const [name, course] of Object.entries({
    'both grow with the load': (at: number) => at,
    'both are larger in the middle of the run': (at: number) => 1 - Math.abs(2 * at - 1),
    'both rise and fall with the load five times': (at: number) => (1 - Math.cos(10 * Math.PI * at)) / 2,
    'both step up once': (at: number) => (at < 0.5 ? 0 : 1),
  }))
    it(`is not said to grow where ${name}`, () => {
      const map = mapOf((at, random) => ({
        tokens: 100 * 2 ** (5 * course(at) + random()),
        ttft_ms: 20 * 2 ** (4 * course(at) + random()),
      }));
      const medians = map.columns.filter(({ count }) => count >= 10).map(({ p50_ms }) => p50_ms ?? 0);
      assert.ok((medians.at(-1) ?? 0) > 2 * (medians[0] ?? 0), 'confounded: the medians do grow');
      assert.equal(chartOf(map).title, 'TTFT by input tokens');
      assert.equal(chartOf(map, 100).title, 'TTFT by input tokens');
    });

  it('is not said to grow where both grow without any noise', () => {
    const map = mapOf((at) => ({ tokens: 100 + 1000 * at, ttft_ms: 20 + 200 * at }));
    assert.equal(chartOf(map).title, 'TTFT by input tokens');
  });

  it('is not said to grow for the sake of a few long prompts', () => {
    const map = mapOf((_, random, i) => ({
      tokens: i % 150 === 7 ? 50_000 : 100 + 10 * random(),
      ttft_ms: i % 150 === 7 ? 3000 : 50 + 10 * random(),
    }));
    assert.equal(chartOf(map).title, 'TTFT by input tokens');
  });

  it('is said to lie in a range where its median does', () => {
    const map = mapOf((_, random) => ({ tokens: 100 * 2 ** (6 * random()), ttft_ms: 50 + random() }));
    assert.match(chartOf(map).title, /^TTFT by input tokens: the median lies between 50\.\d ms and 50\.\d ms$/);
  });

  it('counts failed requests in a strip of their own, in n and in the percentiles', () => {
    const map = mapOf((_, random) => {
      const tokens = 100 * 2 ** (6 * random());
      return { tokens, ttft_ms: 50 + random(), failed: tokens > 2000 };
    });
    const { note, table, spec } = chartOf(map);
    assert.ok(map.failed > 50);
    assert.match(note, new RegExp(`^n = 400 requests, ${map.failed} failed; `));
    assert.deepEqual(table.rows.at(-1)?.slice(-2), ['fails', 'fails']);
    assert.match(JSON.stringify(spec), /"text":"(\d+) of \1 requests with [\d,.]+ to [\d,]+ input tokens failed"/);
    const whole = chartOf(mapOf((_, random) => ({ tokens: 100 * 2 ** random(), ttft_ms: 50 })));
    assert.match(whole.note, /^n = 400 requests; /);
    assert.doesNotMatch(JSON.stringify(whole.spec), /failed/);
  });
});

describe('a value that changes slowly', () => {
  /** TPOT beside requests in flight: both waves, or a wave and a drift. */
  const series = (y: (at: number, x: number) => number): boolean => {
    const stream = randomStream(4, 'slow');
    const at = Array.from({ length: 1000 }, (_, i) => i / 1000);
    const xs = at.map((each) => 10 + 8 * Math.sin(60 * each) + uniform(stream));
    return follows(
      Float64Array.from(xs),
      Float64Array.from(xs, (x, i) => y(at[i] ?? 0, x) + 0.2 * uniform(stream)),
      8,
    );
  };

  it('is followed through its ups and downs', () => {
    assert.equal(
      series((_, x) => 5 + x),
      true,
    );
  });

  it('is not followed by what drifts, or by nothing', () => {
    assert.equal(
      series((at) => 5 + 20 * at),
      false,
    );
    assert.equal(
      series(() => 5),
      false,
    );
  });

  it('is not followed where it only grows', () => {
    const ramp = Float64Array.from({ length: 1000 }, (_, i) => i + 1);
    assert.equal(follows(ramp, ramp, 8), false);
    assert.equal(follows(new Float64Array(0), new Float64Array(0), 8), false);
  });
});
