import type { Manifest } from '../schema/manifest.ts';
import { byMetric, type Scrape, type ServerMetric, type ServerSample } from '../schema/server-metrics.ts';
import type { ServerGauge, ServerLatency } from '../schema/server-latency.ts';
import type { Summary } from '../schema/summary.ts';
import { BucketCounts } from './bucket-counts.ts';

/**
 * The server's own metrics over a run, from its scrapes in order of time. Gauges are averaged over the scrapes while
 * measured requests were due; counters and histograms cover the time between the scrapes next to that window.
 */
export class ServerCollector {
  readonly #fromUs: number;
  readonly #toUs: number;
  readonly #countsAll: boolean;
  /** Prefill servers, which come first, of a target whose prefill and decode the client calls; else null. */
  readonly #prefillServers: number | null;
  readonly #running = new Gauge();
  readonly #waiting = new Gauge();
  readonly #kvUsage = new Gauge();
  readonly #hitRate = new Gauge();
  readonly #counters = new Map<ServerMetric, number>();
  readonly #histograms = { ttft: new BucketCounts(), itl: new BucketCounts(), queue: new BucketCounts() };
  readonly #iterations = { sum: 0, count: 0 };
  /** Value of each series at the previous scrape. */
  readonly #last = new Map<string, number>();
  #scrapes = 0;
  #failed = 0;
  #lastUs: number | null = null;
  #countedFromUs: number | null = null;
  #countedToUs: number | null = null;

  constructor({ measured, workload, target: { facts } }: Manifest) {
    this.#fromUs = measured?.from_us ?? 0;
    this.#toUs = measured?.to_us ?? workload.duration_s * 1e6;
    this.#countsAll = measured === null;
    const prefill = 'handover' in facts ? facts['prefill'] : null;
    this.#prefillServers = typeof prefill === 'number' ? prefill : null;
  }

  add({ timeUs, samples }: Scrape): void {
    this.#scrapes++;
    if (samples === null) {
      this.#failed++;
      return;
    }
    const byName = byMetric(samples);
    if (timeUs >= this.#fromUs && timeUs <= this.#toUs) {
      this.#running.add(byName.get('running'), total);
      this.#waiting.add(byName.get('waiting'), total);
      this.#kvUsage.add(byName.get('kv_usage'), fullest);
      this.#hitRate.add(byName.get('hit_rate'), fullest);
    }
    this.#count(byName, timeUs);
  }

  result(): Summary['server'] {
    if (this.#lastUs === null) return null;
    const [queries, hits] = [this.#counters.get('cache_queries'), this.#counters.get('cache_hits')];
    return {
      scrapes: this.#scrapes,
      scrapes_failed: this.#failed,
      counted_from_s: (this.#countedFromUs ?? this.#lastUs) / 1e6,
      counted_to_s: (this.#countedToUs ?? this.#lastUs) / 1e6,
      running: this.#running.result(),
      waiting: this.#waiting.result(),
      kv_usage: this.#kvUsage.result(),
      prefix_hit_rate:
        queries !== undefined && hits !== undefined
          ? queries > 0
            ? hits / queries
            : null
          : (this.#hitRate.result()?.mean ?? null),
      preemptions: this.#counters.get('preemptions') ?? null,
      iteration_tokens: this.#iterations.count > 0 ? this.#iterations.sum / this.#iterations.count : null,
      latency_ms: {
        // Each server's own part of it, which is no TTFT of a request.
        ttft: this.#prefillServers === null ? latency(this.#histograms.ttft) : null,
        itl: latency(this.#histograms.itl),
        queue: latency(this.#histograms.queue),
      },
    };
  }

  /** Adds the growth of counters and histograms since the previous scrape, if that time belongs to the window. */
  #count(byName: ReadonlyMap<ServerMetric, readonly ServerSample[]>, timeUs: number): void {
    const sinceUs = this.#lastUs;
    const counts = sinceUs !== null && (this.#countsAll || (sinceUs < this.#toUs && timeUs > this.#fromUs));
    for (const metric of ['cache_queries', 'cache_hits', 'preemptions'] as const) {
      const samples = byName.get(metric);
      if (samples === undefined) continue;
      let grown = 0;
      for (const sample of samples) {
        const own = this.#grown(sample);
        // The decode server looks up the prompts again that come to it with their KV.
        if (metric === 'preemptions' || !this.#isDecodeServer(sample)) grown += own;
      }
      this.#counters.set(metric, (this.#counters.get(metric) ?? 0) + (counts ? grown : 0));
    }
    for (const metric of ['ttft', 'itl', 'queue'] as const)
      for (const sample of byName.get(metric) ?? []) {
        const grown = this.#grown(sample);
        // A request waits at both servers; a wait for each would count it twice.
        if (metric === 'queue' && this.#isDecodeServer(sample)) continue;
        if (counts) addTo(this.#histograms[metric], sample, grown);
      }
    for (const sample of byName.get('iteration_tokens') ?? []) {
      const part = sumOrCount(sample);
      const grown = part === null ? 0 : this.#grown(sample);
      if (counts && part !== null) this.#iterations[part] += grown;
    }
    if (counts) {
      this.#countedFromUs ??= sinceUs;
      this.#countedToUs = timeUs;
    }
    this.#lastUs = timeUs;
  }

  #isDecodeServer({ labels }: ServerSample): boolean {
    return this.#prefillServers !== null && Number(/"endpoint":"(\d+)"/.exec(labels)?.[1]) >= this.#prefillServers;
  }

  /** A series that is new began at 0, and so did one whose server has restarted. */
  #grown({ name, labels, value }: ServerSample): number {
    const series = name + labels;
    const before = this.#last.get(series) ?? (this.#lastUs === null ? value : 0);
    this.#last.set(series, value);
    return value >= before ? value - before : value;
  }
}

class Gauge {
  #sum = 0;
  #max = 0;
  #n = 0;

  add(samples: readonly ServerSample[] | undefined, of: (samples: readonly ServerSample[]) => number): void {
    if (samples === undefined) return;
    const value = of(samples);
    this.#sum += value;
    this.#max = Math.max(this.#max, value);
    this.#n++;
  }

  result(): ServerGauge | null {
    return this.#n === 0 ? null : { mean: this.#sum / this.#n, max: this.#max };
  }
}

/** Sum over all engines behind one server, and over all reasons to wait. */
export function total(samples: readonly ServerSample[]): number {
  return samples.reduce((sum, { value }) => sum + value, 0);
}

/** The maximum over the engines behind one server: requests wait at the fullest. */
export function fullest(samples: readonly ServerSample[]): number {
  return samples.reduce((most, { value }) => Math.max(most, value), 0);
}

/** Which part of a histogram a value is; null: a bucket. */
export function sumOrCount({ name }: ServerSample): 'sum' | 'count' | null {
  return name.endsWith('_sum') ? 'sum' : name.endsWith('_count') ? 'count' : null;
}

function addTo(histogram: BucketCounts, sample: ServerSample, grown: number): void {
  const part = sumOrCount(sample);
  if (part === 'sum') histogram.sumS += grown;
  else if (part === 'count') histogram.count += grown;
  else {
    const bound = /"le":"([^"]*)"/.exec(sample.labels)?.[1];
    if (bound !== undefined) histogram.add(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), grown);
  }
}

function latency(histogram: BucketCounts): ServerLatency | null {
  const { count, sumS } = histogram;
  if (count === 0) return null;
  const [p50, p90, p99] = [histogram.quantile(0.5), histogram.quantile(0.9), histogram.quantile(0.99)];
  return { n: count, mean: (sumS / count) * 1000, p50, p90, p99 };
}
