import { release } from '../../src/core/release.ts';
import { ascendingOrder } from '../../src/metrics/ascending-order.ts';
import type { LatencyRequests } from './latency-requests.ts';
import type { TimeBins, Timeline } from './timeline.ts';

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
 * TTFT and TPOT by due time, in bins of the timeline or wider ones: twice as wide until the median of those with a request
 * has enough for a percentile.
 */
export function latencyTimelines(requests: LatencyRequests, timeline: Timeline): LatencyTimelines {
  const [dueUs, failedDueUs] = [requests.dueUs(), requests.failedDueUs()];
  const order = ascendingOrder(dueUs);
  const { bins, bin_s } = timeline;
  const narrowUs = bin_s * 1e6;
  const arrivals = requestsByBin([dueUs, failedDueUs], narrowUs, bins.length);
  const found = enoughFor(arrivals, bins.length);
  const binUs = narrowUs * 2 ** (found?.doublings ?? 0);
  const failed = requestsByBin([failedDueUs], binUs, Math.ceil((bins.length * narrowUs) / binUs));
  const of = (us: Column): Omit<LatencyTimeline, 'not_drawn'> => {
    const line = binsOf({ us, dueUs, order, failed, binUs }, timeline);
    release(us);
    return { ...line, tail: found?.tail ?? 'p90' };
  };
  const [ttft, tpot] = [of(requests.ttftUs()), of(requests.tpotUs())];
  release(dueUs, failedDueUs, order);
  return { ttft: { ...ttft, not_drawn: 0 }, tpot: { ...tpot, not_drawn: requests.answered - tpot.count } };
}

type Column = Float64Array<ArrayBuffer>;

/** How many of the due times are in each of so many bins. */
function requestsByBin(dueUs: readonly Column[], binUs: number, bins: number): number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const column of dueUs)
    for (const due of column) {
      const bin = Math.floor(due / binUs);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  return counts;
}

interface Binned {
  /** The latency and the due time of each request, and its places in order of due time. NaN: it has no such latency. */
  readonly us: Column;
  readonly dueUs: Column;
  readonly order: Uint32Array;
  /** Failed requests in each bin. */
  readonly failed: readonly number[];
  readonly binUs: number;
}

/** Buckets are counted bin by bin: all of them at once take as much memory as all requests. */
function binsOf(
  { us, dueUs, order, failed, binUs }: Binned,
  { bins: { length }, bin_s, excluded }: Timeline,
): Omit<LatencyTimeline, 'tail' | 'not_drawn'> {
  const binS = binUs / 1e6;
  const endS = length * bin_s;
  const whole: Counts = new Map();
  for (const value of us) if (!Number.isNaN(value)) count(whole, bucketOf(value), 1);
  const all = ranked(whole, total(failed));
  const [half = Infinity, tenth = Infinity] = [500, 900].map((permille) => bucketAt(all, permille) ?? Infinity);
  const height = heightOf(all);
  let at = 0;
  return {
    bin_s: binS,
    excluded,
    count: all.count,
    failed: all.failed,
    bins: failed.map((failedIn, i) => {
      const counts: Counts = new Map();
      for (; at < order.length && (dueUs[order[at] ?? 0] ?? 0) < (i + 1) * binUs; at++) {
        const value = us[order[at] ?? 0] ?? Number.NaN;
        if (!Number.isNaN(value)) count(counts, bucketOf(value), 1);
      }
      const own = ranked(counts, failedIn);
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

function count(counts: Counts, bucket: number, amount: number): void {
  counts.set(bucket, (counts.get(bucket) ?? 0) + amount);
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
