import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Scrape, ServerSample } from '../../src/schema/server-metrics.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { Summary } from '../../src/schema/summary.ts';
import { BucketCounts } from '../../src/metrics/bucket-counts.ts';
import { ServerCollector } from '../../src/metrics/server.ts';
import { exampleManifest } from './example-manifest.ts';

type Server = NonNullable<Summary['server']>;

const at = (timeS: number, samples: Scrape['samples']): Scrape => ({ timeUs: timeS * 1e6, samples });
const one = (name: string, value: number, labels: Readonly<Record<string, string>> = {}): ServerSample => ({
  name,
  labels: JSON.stringify(labels),
  value,
});

function collect(scrapes: readonly Scrape[], manifest: Partial<Manifest> = {}): Summary['server'] {
  const example = exampleManifest();
  const workload = { ...example.workload, duration_s: 10 };
  const collector = new ServerCollector({ ...example, measured: null, workload, ...manifest });
  for (const scrape of scrapes) collector.add(scrape);
  return collector.result();
}

function told(scrapes: readonly Scrape[], manifest: Partial<Manifest> = {}): Server {
  const server = collect(scrapes, manifest);
  assert.ok(server !== null);
  return server;
}

/** A histogram's lines: counts up to each bound. */
function histogram(name: string, upTo: Readonly<Record<string, number>>, sum: number, engine = '0'): ServerSample[] {
  const bounds = Object.entries(upTo);
  return [
    ...bounds.map(([le, count]) => one(`${name}_bucket`, count, { engine, le })),
    one(`${name}_sum`, sum, { engine }),
    one(`${name}_count`, bounds.at(-1)?.[1] ?? 0, { engine }),
  ];
}

describe('what a server said of itself', () => {
  it('is nothing where it said nothing', () => {
    assert.equal(collect([]), null);
    assert.equal(collect([at(-0.3, null), at(0.5, null)]), null);
  });

  it('gauges: of all engines, while measured requests were due', () => {
    const scrapes = [-0.3, 1.5, 2.5, 3.5, 11].map((timeS, i) =>
      at(timeS, [
        one('vllm:num_requests_running', i, { engine: '0' }),
        one('vllm:num_requests_running', 10, { engine: '1' }),
        one('vllm:gpu_cache_usage_perc', i / 10, { engine: '0' }),
        one('vllm:gpu_cache_usage_perc', 0.15, { engine: '1' }),
      ]),
    );
    const whole = told(scrapes);
    assert.deepEqual(whole.running, { mean: 12, max: 13 });
    assert.equal(whole.kv_usage?.max, 0.3);
    assert.ok(Math.abs((whole.kv_usage?.mean ?? 0) - (0.15 + 0.2 + 0.3) / 3) < 1e-12);
    assert.equal(whole.waiting, null);
    const measured = { warmup_s: 2, cooldown_s: 7, from_us: 2e6, to_us: 3e6 };
    assert.deepEqual(told(scrapes, { measured }).running, { mean: 12, max: 12 });
  });

  it('counters: over the scrapes next to the span, across gaps and restarts, a new series from 0', () => {
    const queries = (value: number): ServerSample => one('vllm:prefix_cache_queries_total', value);
    const hits = (value: number, source = 'gpu'): ServerSample =>
      one('vllm:prefix_cache_hits_total', value, { source });
    const scrapes = [
      at(-0.3, [queries(1000), hits(900)]),
      at(0.5, [queries(1100), hits(910)]),
      at(1.5, null),
      at(2.5, [queries(1200), hits(950)]),
      at(3.5, [queries(50), hits(5)]), // started again
      at(4.5, [queries(100), hits(5), hits(20, 'cpu')]),
    ];
    // 100 + 100 + 50 + 50 asked for; 10 + 40 + 5 + 0 + 20 found.
    const whole = told(scrapes);
    assert.equal(whole.prefix_hit_rate, 75 / 300);
    assert.deepEqual(
      [whole.scrapes, whole.scrapes_failed, whole.counted_from_s, whole.counted_to_s],
      [6, 1, -0.3, 4.5],
    );
    const measured = { warmup_s: 1, cooldown_s: 7, from_us: 1e6, to_us: 3e6 };
    const part = told(scrapes, { measured });
    assert.deepEqual([part.counted_from_s, part.counted_to_s], [0.5, 3.5]);
    assert.equal(part.prefix_hit_rate, 45 / 150);
  });

  it('SGLang: cached of prompt tokens, or the gauge of its own window where it tells no more', () => {
    const cached = (prompt: number, device: number, host: number): ServerSample[] => [
      one('sglang:prompt_tokens_total', prompt),
      one('sglang:cached_tokens_total', device, { cache_source: 'device' }),
      one('sglang:cached_tokens_total', host, { cache_source: 'host' }),
    ];
    assert.equal(told([at(-0.3, cached(0, 0, 0)), at(5, cached(200, 30, 20))]).prefix_hit_rate, 0.25);
    const gauges = [0.2, 0.6].map((rate, i) =>
      at(i + 1, [one('sglang:cache_hit_rate', rate), one('sglang:prompt_tokens_total', i)]),
    );
    assert.equal(told(gauges).prefix_hit_rate, 0.4);
  });

  it('a server that told nothing before its first request is counted from 0', () => {
    const name = 'sglang:time_to_first_token_seconds';
    const server = told([at(-0.3, []), at(0.5, histogram(name, { '0.1': 3, '+Inf': 4 }, 0.8))]);
    assert.equal(server.latency_ms.ttft?.n, 4);
    assert.equal(server.latency_ms.ttft?.mean, 200);
  });

  it('latencies: buckets of all engines, what was there before the run taken off', () => {
    const name = 'vllm:time_to_first_token_seconds';
    const page = (n: number): ServerSample[] => [
      ...histogram(name, { '0.01': 7, '0.02': 7 + n, '0.04': 7 + 3 * n, '+Inf': 7 + 3 * n }, n),
      ...histogram(name, { '0.01': 0, '0.02': n, '0.04': n, '+Inf': 2 * n }, 2 * n, '1'),
      ...histogram('vllm:inter_token_latency_seconds', { '0.1': 5, '+Inf': 5 }, 1),
    ];
    const { ttft, itl, queue } = told([at(-0.3, page(0)), at(4, page(10))]).latency_ms;
    // 20 up to 20 ms, 20 more up to 40 ms, 10 above.
    assert.ok(ttft !== null);
    assert.equal(ttft.n, 50);
    assert.equal(ttft.mean, 600);
    assert.deepEqual(ttft.p50, { ms: 25, bucket_ms: [20, 40] });
    assert.deepEqual(ttft.p90, { ms: null, bucket_ms: [40, null] });
    assert.equal(itl, null, 'nothing was added to it');
    assert.equal(queue, null);
  });

  it('a quantile lies in the bucket that holds it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 12, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.uniqueArray(fc.double({ min: 0.001, max: 10, noNaN: true }), { maxLength: 12 }),
        fc.constantFrom(0.5, 0.9, 0.99, 1),
        (observed, bounds, q) => {
          const counts = new BucketCounts();
          for (const bound of [...bounds, Number.POSITIVE_INFINITY])
            counts.add(bound, observed.filter((value) => value <= bound).length);
          const rank = Math.max(1, Math.ceil(q * observed.length - 1e-9));
          const nearest = (observed.toSorted((a, b) => a - b)[rank - 1] ?? 0) * 1000;
          const found = counts.quantile(q);
          assert.ok(found !== null);
          const [from, to] = found.bucket_ms;
          assert.ok(nearest === 0 ? from === 0 : nearest > from, `${nearest} in ${from}..${to}`);
          assert.ok(to === null || nearest <= to, `${nearest} in ${from}..${to}`);
          assert.ok(found.ms === null ? to === null : to !== null && found.ms >= from && found.ms <= to);
        },
      ),
      { examples: [[[0, 0, 0], [0.0073023452781598875], 1]] },
    );
    assert.equal(new BucketCounts().quantile(0.5), null);
  });
});

it('of prefill and decode servers that the client calls: cache hits and queues of prompts once, and no TTFT that no server sees', () => {
  const handed = exampleManifest();
  const facts = { ...handed.target.facts, handover: 'vllm', prefill: 1, decode: 1 };
  const counts = (queries: number, hits: number, ttfts: number): ServerSample[] =>
    ['0', '1'].flatMap((endpoint) => [
      one('vllm:prefix_cache_queries_total', queries, { endpoint }),
      one('vllm:prefix_cache_hits_total', endpoint === '0' ? hits : 0, { endpoint }),
      one('vllm:time_to_first_token_seconds_sum', ttfts, { endpoint }),
      one('vllm:time_to_first_token_seconds_count', ttfts, { endpoint }),
      one('vllm:request_queue_time_seconds_sum', ttfts * (1 + Number(endpoint)), { endpoint }),
      one('vllm:request_queue_time_seconds_count', ttfts, { endpoint }),
    ]);
  const scrapes = [at(0, counts(0, 0, 0)), at(5, counts(100, 40, 10)), at(10, counts(200, 80, 20))];
  const both = told(scrapes, { target: { ...handed.target, facts } });
  assert.deepEqual([both.prefix_hit_rate, both.latency_ms.ttft], [0.4, null]);
  assert.deepEqual([both.latency_ms.queue?.n, both.latency_ms.queue?.mean], [20, 1000]);
  const proxied = told(scrapes);
  assert.deepEqual([proxied.prefix_hit_rate, proxied.latency_ms.ttft?.n], [0.2, 40]);
});
