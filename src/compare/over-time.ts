import type { ComparedBin, ComparedTimes, LatencyOfBin, SideBin } from '../../reports/data/comparison-data.ts';
import { enoughFor, type TimedLatency } from '../../reports/data/latency-timeline.ts';
import {
  excludedSpans,
  FIRST_BIN_US,
  MAX_BINS,
  MIN_WINDOW_REQUESTS,
  windowReach,
} from '../../reports/data/timeline.ts';
import { nearestRank } from '../metrics/samples.ts';
import { changeOf, type Order } from './change.ts';
import type { ComparedRequest, LoadedRun } from './load-runs.ts';
import { pValueOf } from './verdicts.ts';

/** Where the requests are too few for percentiles by bin, so many bins are left at least. */
const LEAST_BINS = 6;
/** The p50 of a single run is one of at least so many requests. */
const LEAST_OF_RUN = 5;

/** Both sides by the due times of their requests, in at most 240 bins; null where these times are not known. */
export function timesOf(base: readonly LoadedRun[], now: readonly LoadedRun[], order: Order): ComparedTimes | null {
  const runs = [...base, ...now];
  const starts = new Set(runs.map(({ manifest }) => manifest.imported?.starts ?? 'due'));
  if (starts.has('unknown')) return null;
  const widths = widthsOf(runs);
  const { slo = null, measured = null } = base[0]?.manifest ?? {};
  const [ofBase, ofNow] = [sideBins(base, widths, slo !== null), sideBins(now, widths, slo !== null)];
  const binS = widths.binUs / 1e6;
  return {
    by: starts.has('sent') ? 'sent' : 'due',
    bin_s: binS,
    bins: ofBase.flatMap((one, i): ComparedBin[] => {
      const other = ofNow[i];
      if (other === undefined) return [];
      const differ = (metric: TimedLatency): boolean => isShownByRuns(one[metric], other[metric], order, ofBase.length);
      const differs = { ttft: differ('ttft'), tpot: differ('tpot') };
      return [{ from_s: i * binS, to_s: (i + 1) * binS, base: one, new: other, differs }];
    }),
    excluded: excludedSpans(measured),
    tail: widths.tail,
    window_s: (2 * windowReach(widths.length) + 1) * binS,
    wanted: slo?.at ?? null,
  };
}

interface Widths {
  readonly binUs: number;
  /** Number of bins. */
  readonly length: number;
  readonly tail: ComparedTimes['tail'];
}

/** Bins so wide that the median one has enough requests of a run, however many runs there are. */
function widthsOf(runs: readonly LoadedRun[]): Widths {
  let lastUs = 0;
  for (const { requests } of runs) for (const { dueUs } of requests.values()) lastUs = Math.max(lastUs, dueUs);
  let binUs = FIRST_BIN_US;
  while (lastUs >= binUs * MAX_BINS) binUs *= 2;
  const length = Math.floor(lastUs / binUs) + 1;
  const counts = new Float64Array(length);
  for (const { requests } of runs)
    for (const { dueUs } of requests.values()) {
      const bin = Math.floor(dueUs / binUs);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  const ofRun = [...counts].map((count) => count / runs.length);
  const fewest = { doublings: Math.max(0, Math.floor(Math.log2(length / LEAST_BINS))), tail: 'p90' } as const;
  const { doublings, tail } = enoughFor(ofRun, length) ?? fewest;
  return { binUs: binUs * 2 ** doublings, length: Math.ceil(length / 2 ** doublings), tail };
}

/** The requests of one run in a bin. */
type Due = readonly ComparedRequest[];

function sideBins(runs: readonly LoadedRun[], { binUs, length, tail }: Widths, hasSlo: boolean): SideBin[] {
  const bins = Array.from({ length }, () => runs.map((): ComparedRequest[] => []));
  for (const [place, { requests }] of runs.entries())
    for (const request of requests.values()) bins[Math.floor(request.dueUs / binUs)]?.[place]?.push(request);
  const due = bins.map((ofRuns) => total(ofRuns.map((requests) => requests.length)));
  const met = bins.map((ofRuns) => total(ofRuns.map((requests) => requests.filter(({ isMet }) => isMet).length)));
  const reach = windowReach(length);
  return bins.map((ofRuns, i) => {
    const window = [Math.max(0, i - reach), i + reach + 1] as const;
    const inWindow = total(due.slice(...window));
    return {
      requests: due[i] ?? 0,
      failed: total(ofRuns.map(failures)),
      ttft: latencyOf(ofRuns, 'ttft', tail),
      tpot: latencyOf(ofRuns, 'tpot', tail),
      attainment: hasSlo && inWindow >= MIN_WINDOW_REQUESTS ? total(met.slice(...window)) / inWindow : null,
    };
  });
}

function latencyOf(ofRuns: readonly Due[], metric: TimedLatency, tail: ComparedTimes['tail']): LatencyOfBin {
  const pooled = valuesOf(ofRuns.flat(), metric);
  const medians = ofRuns
    .map((requests) => valuesOf(requests, metric))
    .flatMap((values) => (values.requests < LEAST_OF_RUN ? [] : (percentileMs(values, 500) ?? [])));
  const isOfAll = ofRuns.length > 1 && medians.length === ofRuns.length;
  return {
    requests: pooled.requests,
    p50_ms: percentileMs(pooled, 500),
    tail_ms: percentileMs(pooled, tail === 'p99' ? 990 : 900),
    p50_of_runs_ms: isOfAll ? medians : null,
  };
}

/** By the test of the judged metrics, Bonferroni's adjustment over the bins. */
function isShownByRuns(base: LatencyOfBin, now: LatencyOfBin, order: Order, bins: number): boolean {
  const [a, b] = order === 'exact' ? [p50s(base), p50s(now)] : [base.p50_of_runs_ms, now.p50_of_runs_ms];
  if (a === null || b === null || ![...a, ...b].every((ms) => ms > 0)) return false;
  return (pValueOf(changeOf(a, b, order), 0) ?? 1) < 0.05 / bins;
}

function p50s({ p50_ms }: LatencyOfBin): readonly number[] | null {
  return p50_ms === null ? null : [p50_ms];
}

interface Values {
  readonly sorted: Float64Array;
  readonly failed: number;
  /** Both together: an answer of one token has no TPOT, and is no failure. */
  readonly requests: number;
}

function valuesOf(due: Due, metric: TimedLatency): Values {
  const sorted = Float64Array.from(due.map((each) => each[`${metric}Us`]).filter((us) => !Number.isNaN(us))).sort();
  const failed = failures(due);
  return { sorted, failed, requests: sorted.length + failed };
}

function percentileMs({ sorted, failed }: Values, permille: number): number | null {
  const us = nearestRank(sorted, permille, failed);
  return us === null ? null : us / 1000;
}

function failures(due: Due): number {
  return due.filter(({ e2eUs }) => Number.isNaN(e2eUs)).length;
}

function total(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0);
}
