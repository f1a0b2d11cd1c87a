import { byMetric, type Scrape, type ServerSample } from '../../src/schema/server-metrics.ts';
import { Samples } from '../../src/metrics/samples.ts';
import { fullest, sumOrCount, total } from '../../src/metrics/server.ts';
import type { Manifest } from '../../src/schema/manifest.ts';
import type { Peak, TimeBins, Timeline } from './timeline.ts';

/** The server's metrics during a bin; null where its /metrics lacks one. */
export interface ServerBin {
  readonly from_s: number;
  readonly to_s: number;
  readonly running: number | null;
  readonly waiting: number | null;
  /** Of the fullest engine. */
  readonly kv_usage: number | null;
  /** Share of the prompt tokens looked up in the prefix cache that were found. */
  readonly prefix_hit_rate: number | null;
  readonly preemptions_per_s: number | null;
  /** Tokens that an iteration computed, on average; null without one. */
  readonly iteration_tokens: number | null;
}

export interface ServerTimeline extends TimeBins<ServerBin> {
  /** Scrapes that could be read; samples of the engine where time is virtual. */
  readonly scrapes: number;
  readonly clock: Manifest['clock'];
  /** Over the whole run. */
  readonly preemptions: number;
  /** The highest scrape during the run, where the mean of a bin may be lower; null without one. */
  readonly peaks: Readonly<Record<'running' | 'waiting' | 'kv_usage', Peak | null>>;
}

/**
 * Bins may be shorter than the time between scrapes, so a scrape holds until the next one, but no longer than this; in
 * virtual time none is missing.
 */
const HOLDS_S = 2.5;

/** Keeps some numbers of each scrape until the bins of the timeline are known. */
export class ServerSeries {
  readonly #clock: Manifest['clock'];
  readonly #timeS = new Samples();
  /** NaN: not in the scrape. */
  readonly #running = new Samples();
  readonly #waiting = new Samples();
  readonly #kvUsage = new Samples();
  /** Tokens found of those looked for; a hit rate that the server computes itself counts as a share of 1 token. */
  readonly #hits = new Growth();
  /** Preemptions over seconds. */
  readonly #preemptions = new Growth();
  /** Tokens over iterations. */
  readonly #iterations = new Growth();
  #read = 0;

  constructor(clock: Manifest['clock'] = 'real') {
    this.#clock = clock;
  }

  add({ timeUs, samples }: Scrape): void {
    const byName = byMetric(samples ?? []);
    const gauge = (of: readonly ServerSample[] | undefined, value: typeof total): number =>
      of === undefined ? Number.NaN : value(of);
    this.#timeS.push(timeUs / 1e6);
    this.#running.push(gauge(byName.get('running'), total));
    this.#waiting.push(gauge(byName.get('waiting'), total));
    this.#kvUsage.push(gauge(byName.get('kv_usage'), fullest));
    if (samples !== null) this.#read++;
    const [queries, hits] = [byName.get('cache_queries'), byName.get('cache_hits')];
    if (queries !== undefined && hits !== undefined) this.#hits.count(total(hits), total(queries));
    else this.#hits.push(gauge(byName.get('hit_rate'), fullest), 1);
    const preemptions = byName.get('preemptions');
    if (preemptions === undefined) this.#preemptions.push(Number.NaN, 1);
    else this.#preemptions.count(total(preemptions), timeUs / 1e6);
    const iterations = byName.get('iteration_tokens');
    const sumOf = (part: 'sum' | 'count'): number =>
      total(iterations?.filter((sample) => sumOrCount(sample) === part) ?? []);
    if (iterations === undefined) this.#iterations.push(Number.NaN, 1);
    else this.#iterations.count(sumOf('sum'), sumOf('count'));
  }

  /** The scrapes in the bins of the client's timeline; null if none could be read. */
  over({ bins, bin_s, excluded }: Timeline): ServerTimeline | null {
    if (this.#read === 0) return null;
    const timeS = this.#timeS.values();
    const [running, waiting, kvUsage] = [this.#running.values(), this.#waiting.values(), this.#kvUsage.values()];
    const holdsS = this.#clock === 'virtual' ? Number.POSITIVE_INFINITY : HOLDS_S;
    let from = 0;
    const server = bins.map(({ from_s, to_s }): ServerBin => {
      while (from < timeS.length && (timeS[from] ?? 0) < from_s) from++;
      let to = from;
      while (to < timeS.length && (timeS[to] ?? 0) < to_s) to++;
      // A gauge holds from its scrape on, a counter's difference is of the time before it.
      const [before, after] = [from - 1, to];
      const isHeld = to === from && before >= 0 && from_s - (timeS[before] ?? 0) <= holdsS;
      const isCounted = to === from && after < timeS.length && (timeS[after] ?? 0) - to_s <= holdsS;
      const level = (values: Float64Array): number | null =>
        mean(isHeld ? values.subarray(before, from) : values.subarray(from, to));
      const until = isCounted ? after + 1 : to;
      return {
        from_s,
        to_s,
        running: level(running),
        waiting: level(waiting),
        kv_usage: level(kvUsage),
        prefix_hit_rate: this.#hits.quotient(from, until),
        preemptions_per_s: this.#preemptions.quotient(from, until),
        iteration_tokens: this.#iterations.quotient(from, until),
      };
    });
    const endS = bins.at(-1)?.to_s ?? 0;
    const peak = (values: Float64Array): Peak | null => {
      let most: Peak | null = null;
      values.forEach((value, i) => {
        const atS = timeS[i] ?? 0;
        // What it said just before the start still holds then.
        if (atS < -HOLDS_S || atS >= endS || Number.isNaN(value) || value <= (most?.value ?? -1)) return;
        most = { value, from_s: Math.max(0, Math.floor(atS / bin_s) * bin_s) };
      });
      return most;
    };
    const peaks = { running: peak(running), waiting: peak(waiting), kv_usage: peak(kvUsage) };
    const preemptions = this.#preemptions.grown();
    return { bins: server, bin_s, excluded, scrapes: this.#read, clock: this.#clock, preemptions, peaks };
  }
}

/** Two counters, as what they grew by from scrape to scrape: one is of interest for each of the other. */
class Growth {
  readonly #parts = new Samples();
  readonly #wholes = new Samples();
  #last: { readonly part: number; readonly whole: number } | null = null;

  count(part: number, whole: number): void {
    const last = this.#last;
    this.#last = { part, whole };
    // A counter that falls means a restarted server: its earlier counts are lost.
    if (last === null || part < last.part || whole < last.whole) this.push(0, 0);
    else this.push(part - last.part, whole - last.whole);
  }

  /** NaN: not in the scrape. */
  push(part: number, whole: number): void {
    this.#parts.push(part);
    this.#wholes.push(whole);
  }

  /** Of the scrapes from one to before another; null where the whole did not grow. */
  quotient(from: number, to: number): number | null {
    const wholes = this.#wholes.values().subarray(from, to);
    let [parts, whole] = [0, 0];
    this.#parts
      .values()
      .subarray(from, to)
      .forEach((part, i) => {
        if (Number.isNaN(part)) return;
        parts += part;
        whole += wholes[i] ?? 0;
      });
    return whole === 0 ? null : parts / whole;
  }

  grown(): number {
    return this.#parts.values().reduce((sum, part) => (Number.isNaN(part) ? sum : sum + part), 0);
  }
}

/** Mean of the values that are known; null without any. */
function mean(values: Float64Array): number | null {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
