import type { RequestRecord } from '../../src/core/record.ts';
import { isAnswered, tpotUs, ttftUs } from '../../src/metrics/request-latency.ts';
import { FIRST_BIN_US, MAX_BINS, type TimeBins, type Timeline } from './timeline.ts';

/** The latencies that are shown over time. */
export const TIMED_LATENCIES = ['ttft', 'tpot'] as const;
export type TimedLatency = (typeof TIMED_LATENCIES)[number];

/** Requests due in one bin with about the same latency. */
interface LatencyCell {
  readonly from_ms: number;
  readonly to_ms: number;
  readonly count: number;
}

/** The measured requests due in a bin. */
export interface LatencyBin {
  readonly from_s: number;
  readonly to_s: number;
  /** Requests with the latency: each is in a cell. */
  readonly count: number;
  readonly failed: number;
  /** Nearest-rank percentiles over both, in which a failed request is infinitely late: null if it is one. */
  readonly p50_ms: number | null;
  readonly p90_ms: number | null;
  readonly p99_ms: number | null;
  /** How many are slower than half of the run's requests, failed ones too. */
  readonly slower_half: number;
  /** How many are slower than nine tenths of them. */
  readonly slowest_tenth: number;
  readonly cells: readonly LatencyCell[];
}

/** A latency by due time. A bin is one of the timeline's, or 2, 4, 8 ... of them where those hold too few requests. */
export interface LatencyTimeline extends TimeBins<LatencyBin> {
  /** The highest percentile that the requests of a bin are enough for. */
  readonly tail: 'p90' | 'p99';
  readonly count: number;
  readonly failed: number;
  /** Answered requests of a single token, which have no TPOT. */
  readonly not_drawn: number;
}

export type LatencyTimelines = Readonly<Record<TimedLatency, LatencyTimeline>>;

/** Latencies are counted in so many buckets an octave, from 1 us on. */
const PER_OCTAVE = 1024;
/** The bucket of what is under 1 us, such as the TPOT of tokens that came all at once. */
const NO_TIME = -1;
/** A percentile is the middle of its bucket: so far off at most. */
export const PERCENTILE_ERROR = 2 ** (1 / PER_OCTAVE / 2) - 1;
/** Heights of a cell, in buckets: an eighth of an octave, or 2, 4, 8 ... of these so that there are at most so many rows. */
const CELL_BUCKETS = 128;
const MAX_ROWS = 24;
/** A percentile says something of so many requests in a bin: bins double up to it, as long as so many are left. */
const ENOUGH_FOR = [
  { tail: 'p99', requests: 100, least_bins: 30 },
  { tail: 'p90', requests: 10, least_bins: 12 },
] as const;

/** Requests by bucket of their latency. */
type Counts = Map<number, number>;

/** The same in order, with how many failed, which are behind all others. */
interface Ranked {
  readonly buckets: readonly (readonly [bucket: number, amount: number])[];
  readonly count: number;
  readonly failed: number;
}

/**
 * Counts TTFT and TPOT by due time, in bins that double as the timeline's do. What it keeps is bounded by bins and
 * buckets, not by the number of requests.
 */
export class LatencyTimelineCollector {
  #counts: Record<TimedLatency, Counts[]> = { ttft: noCounts(), tpot: noCounts() };
  /** Requests without an answer. */
  #failed = new Float64Array(MAX_BINS);
  #notDrawn = 0;
  #binUs = FIRST_BIN_US;

  /** A measured request. */
  add(record: RequestRecord): void {
    while (record.due_us >= this.#binUs * MAX_BINS) this.#widen();
    const bin = Math.floor(record.due_us / this.#binUs);
    if (!isAnswered(record)) {
      this.#failed[bin] = (this.#failed[bin] ?? 0) + 1;
      return;
    }
    const tpot = tpotUs(record);
    count(this.#counts.ttft[bin], bucketOf(ttftUs(record)), 1);
    if (tpot === null) this.#notDrawn++;
    else count(this.#counts.tpot[bin], bucketOf(tpot), 1);
  }

  /** In bins of the timeline, whose last record may be long after the last due time. */
  over(timeline: Timeline): LatencyTimelines {
    while (this.#binUs < timeline.bin_s * 1e6) this.#widen();
    const tail = this.#enough(timeline);
    const of = (metric: TimedLatency): LatencyTimeline => ({
      ...this.#binsOf(this.#counts[metric], timeline),
      tail,
      not_drawn: metric === 'tpot' ? this.#notDrawn : 0,
    });
    return { ttft: of('ttft'), tpot: of('tpot') };
  }

  /** Widens bins until the median of those with a request has enough for a percentile, and says for which. */
  #enough({ bins, bin_s }: Timeline): LatencyTimeline['tail'] {
    const found = enoughFor(this.#requests(), (bins.length * bin_s * 1e6) / this.#binUs);
    for (let i = 0; i < (found?.doublings ?? 0); i++) this.#widen();
    return found?.tail ?? 'p90';
  }

  #requests(): number[] {
    return this.#counts.ttft.map((counts, i) => total(counts.values()) + (this.#failed[i] ?? 0));
  }

  #binsOf(
    counts: readonly Counts[],
    { bins: { length }, bin_s, excluded }: Timeline,
  ): Omit<LatencyTimeline, 'tail' | 'not_drawn'> {
    const binS = this.#binUs / 1e6;
    const endS = length * bin_s;
    const whole: Counts = new Map();
    for (const each of counts) merge(whole, each);
    const all = ranked(whole, total(this.#failed));
    const [half = Infinity, tenth = Infinity] = [500, 900].map((permille) => bucketAt(all, permille) ?? Infinity);
    const height = heightOf(all);
    return {
      bin_s: binS,
      excluded,
      count: all.count,
      failed: all.failed,
      bins: Array.from({ length: Math.ceil(endS / binS) }, (_, i) => {
        const own = ranked(counts[i] ?? new Map<number, number>(), this.#failed[i] ?? 0);
        return {
          from_s: i * binS,
          to_s: Math.min((i + 1) * binS, endS),
          count: own.count,
          failed: own.failed,
          p50_ms: msOf(bucketAt(own, 500)),
          p90_ms: msOf(bucketAt(own, 900)),
          p99_ms: msOf(bucketAt(own, 990)),
          slower_half: above(own, half),
          slowest_tenth: above(own, tenth),
          cells: cellsOf(own, height),
        };
      }),
    };
  }

  #widen(): void {
    for (const metric of TIMED_LATENCIES) {
      const old = this.#counts[metric];
      this.#counts[metric] = noCounts();
      for (const [i, counts] of old.entries()) merge(this.#counts[metric][i >> 1], counts);
    }
    this.#failed = Float64Array.from(summed([...this.#failed, ...new Float64Array(MAX_BINS)], 2));
    this.#binUs *= 2;
  }
}

/**
 * How often `length` bins with so many requests each have to double until the median of those with a request has enough
 * for a percentile, and for which; null where too few bins would be left.
 */
export function enoughFor(
  requests: readonly number[],
  length: number,
): { readonly doublings: number; readonly tail: LatencyTimeline['tail'] } | null {
  for (const { tail, requests: enough, least_bins } of ENOUGH_FOR) {
    const doublings = Array.from({ length: 8 }, (_, i) => i).find(
      (i) => length / 2 ** i >= least_bins && median(summed(requests, 2 ** i)) >= enough,
    );
    if (doublings !== undefined) return { doublings, tail };
  }
  return null;
}

function noCounts(): Counts[] {
  return Array.from({ length: MAX_BINS }, () => new Map());
}

function count(counts: Counts | undefined, bucket: number, amount: number): void {
  counts?.set(bucket, (counts.get(bucket) ?? 0) + amount);
}

function merge(into: Counts | undefined, counts: Counts): void {
  for (const [bucket, amount] of counts) count(into, bucket, amount);
}

function bucketOf(us: number): number {
  return us < 1 ? NO_TIME : Math.floor(Math.log2(us) * PER_OCTAVE);
}

/** The middle of a bucket. */
function msOf(bucket: number | null): number | null {
  if (bucket === null) return null;
  return bucket === NO_TIME ? 0 : 2 ** ((bucket + 0.5) / PER_OCTAVE) / 1000;
}

function ranked(counts: Counts, failed: number): Ranked {
  return { buckets: [...counts].sort(([a], [b]) => a - b), count: total(counts.values()), failed };
}

/** The bucket that holds the nearest-rank percentile; null if that is a failed request, or there is none at all. */
function bucketAt({ buckets, count: answered, failed }: Ranked, permille: number): number | null {
  const rank = Math.max(1, Math.ceil(((answered + failed) * permille) / 1000));
  let upTo = 0;
  for (const [bucket, amount] of buckets) {
    upTo += amount;
    if (upTo >= rank) return bucket;
  }
  return null;
}

/** Requests slower than those of a bucket. */
function above({ buckets, failed }: Ranked, bucket: number): number {
  let sum = failed;
  for (const [each, amount] of buckets) if (each > bucket) sum += amount;
  return sum;
}

/** How many buckets make up a cell, so that no more rows than there is room for hold all requests. */
function heightOf({ buckets }: Ranked): number {
  const [low = 0, high = 0] = [buckets.find(([bucket]) => bucket !== NO_TIME)?.[0], buckets.at(-1)?.[0]];
  let height = CELL_BUCKETS;
  while (Math.floor(high / height) - Math.floor(low / height) >= MAX_ROWS) height *= 2;
  return height;
}

function cellsOf({ buckets }: Ranked, height: number): LatencyCell[] {
  const rows: Counts = new Map();
  for (const [bucket, amount] of buckets)
    count(rows, bucket === NO_TIME ? NO_TIME : Math.floor(bucket / height), amount);
  const edgeMs = (row: number): number => 2 ** ((row * height) / PER_OCTAVE) / 1000;
  return [...rows].map(([row, amount]) => ({
    from_ms: row === NO_TIME ? 0 : edgeMs(row),
    to_ms: edgeMs(row + 1),
    count: amount,
  }));
}

function total(amounts: Iterable<number>): number {
  let sum = 0;
  for (const amount of amounts) sum += amount;
  return sum;
}

/** Sums of so many neighbours each. */
function summed(values: readonly number[], neighbours: number): number[] {
  return Array.from({ length: Math.ceil(values.length / neighbours) }, (_, i) =>
    total(values.slice(i * neighbours, (i + 1) * neighbours)),
  );
}

/** Of the values that are not 0; 0 without any. */
function median(values: readonly number[]): number {
  const sorted = values.filter((value) => value > 0).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
