import { byMetric, type Scrape, type ServerSample } from '../../src/schema/server-metrics.ts';
import { Samples } from '../../src/metrics/samples.ts';
import { fullest, total } from '../../src/metrics/server.ts';
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
}

export interface ServerTimeline extends TimeBins<ServerBin> {
  /** Scrapes that could be read. */
  readonly scrapes: number;
  /** The highest scrape during the run, where the mean of a bin may be lower; null without one. */
  readonly peaks: Readonly<Record<'running' | 'waiting' | 'kv_usage', Peak | null>>;
}

/** Bins may be shorter than the time between scrapes, so a scrape holds until the next one, but no longer than this. */
const HOLDS_S = 2.5;

/** Keeps five numbers of each scrape until the bins of the timeline are known. */
export class ServerSeries {
  readonly #timeS = new Samples();
  /** NaN: not in the scrape. */
  readonly #running = new Samples();
  readonly #waiting = new Samples();
  readonly #kvUsage = new Samples();
  /** Tokens since the previous scrape; a hit rate that the server computes itself counts as a share of 1 token. */
  readonly #looked = new Samples();
  readonly #found = new Samples();
  #last: { readonly looked: number; readonly found: number } | null = null;
  #read = 0;

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
    if (queries !== undefined && hits !== undefined) this.#count(total(queries), total(hits));
    else this.#push(1, gauge(byName.get('hit_rate'), fullest));
  }

  /** The scrapes in the bins of the client's timeline; null if none could be read. */
  over({ bins, bin_s, excluded }: Timeline): ServerTimeline | null {
    if (this.#read === 0) return null;
    const timeS = this.#timeS.values();
    const [running, waiting, kvUsage] = [this.#running.values(), this.#waiting.values(), this.#kvUsage.values()];
    const [looked, found] = [this.#looked.values(), this.#found.values()];
    let from = 0;
    const server = bins.map(({ from_s, to_s }): ServerBin => {
      while (from < timeS.length && (timeS[from] ?? 0) < from_s) from++;
      let to = from;
      while (to < timeS.length && (timeS[to] ?? 0) < to_s) to++;
      // A gauge holds from its scrape on, a counter's difference is of the time before it.
      const [before, after] = [from - 1, to];
      const isHeld = to === from && from_s - (timeS[before] ?? Number.NEGATIVE_INFINITY) <= HOLDS_S;
      const isCounted = to === from && (timeS[after] ?? Number.POSITIVE_INFINITY) - to_s <= HOLDS_S;
      const level = (values: Float64Array): number | null =>
        mean(isHeld ? values.subarray(before, from) : values.subarray(from, to));
      const until = isCounted ? after + 1 : to;
      return {
        from_s,
        to_s,
        running: level(running),
        waiting: level(waiting),
        kv_usage: level(kvUsage),
        prefix_hit_rate: share(found.subarray(from, until), looked.subarray(from, until)),
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
    return { bins: server, bin_s, excluded, scrapes: this.#read, peaks };
  }

  #count(looked: number, found: number): void {
    const last = this.#last;
    this.#last = { looked, found };
    // A counter that falls means a restarted server: its earlier counts are lost.
    if (last === null || looked < last.looked || found < last.found) this.#push(0, 0);
    else this.#push(looked - last.looked, found - last.found);
  }

  #push(looked: number, found: number): void {
    this.#looked.push(looked);
    this.#found.push(found);
  }
}

/** Mean of the values that are known; null without any. */
function mean(values: Float64Array): number | null {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function share(found: Float64Array, looked: Float64Array): number | null {
  let [hits, queries] = [0, 0];
  found.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    hits += value;
    queries += looked[i] ?? 0;
  });
  return queries === 0 ? null : hits / queries;
}
