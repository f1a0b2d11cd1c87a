import type { RequestRecord } from '../../src/core/record.ts';
import type { Imported } from '../../src/schema/manifest.ts';
import type { Ecdf } from './ecdf.ts';
import type { LatencyTimeline, TimedLatency } from './latency-timeline.ts';
import type { TimeBins } from './timeline.ts';

/** Latencies of a request that are compared. */
export const COMPARED_LATENCIES = ['ttft', 'tpot', 'e2e'] as const;
export type ComparedLatency = (typeof COMPARED_LATENCIES)[number];

/** What the page of a comparison draws besides the comparison itself. Its size does not grow with the runs' requests. */
export interface ComparisonData {
  readonly latencies: Readonly<Record<ComparedLatency, LatencyPair>>;
  /** Null where it is not known when requests were sent. */
  readonly times: ComparedTimes | null;
  readonly pairs: RequestPairs;
  /** The records of each of the comparison's requests that changed most, in their order. */
  readonly most_changed: readonly RecordPair[];
  readonly first_runs: { readonly base: FirstRun; readonly new: FirstRun };
  /** Each run's report, relative to the page, by the order of the comparison's runs; null: it has none. */
  readonly reports: { readonly base: readonly (string | null)[]; readonly new: readonly (string | null)[] };
}

/** The distributions of a latency over all runs of each side, pooled, and how its quantiles change. */
export interface LatencyPair {
  readonly base: Ecdf;
  readonly new: Ecdf;
  /** Those quantiles that every run of both sides has. */
  readonly changes: readonly QuantileChange[];
}

export interface QuantileChange {
  /** 1000 q. */
  readonly permille: number;
  /** ln(new / base), of the geometric means over the runs. */
  readonly ln: number;
  /** 95 % interval by the spread of the runs, at this quantile alone; null: one run, or runs that repeat exactly. */
  readonly ln_ci95: readonly [number, number] | null;
}

/** Both sides by the due times of their requests, in the same bins; the runs of a side pooled. */
export interface ComparedTimes extends TimeBins<ComparedBin> {
  /** What the requests stand at: when they were due, or where a result file does not have that, when they were sent. */
  readonly by: 'due' | 'sent';
  /** The highest percentile that the requests of a run in a bin are enough for. */
  readonly tail: LatencyTimeline['tail'];
  /** Width of the window of `attainment`. */
  readonly window_s: number;
  /** Share of requests that should meet the SLO; null without one. */
  readonly wanted: number | null;
}

export interface ComparedBin {
  readonly from_s: number;
  readonly to_s: number;
  readonly base: SideBin;
  readonly new: SideBin;
  /** Whether the p50 of the two differ by the spread of the runs: at 95 % for all bins together. */
  readonly differs: Readonly<Record<TimedLatency, boolean>>;
}

/** The measured requests of all runs of a side that are due in a bin. */
export interface SideBin extends Readonly<Record<TimedLatency, LatencyOfBin>> {
  readonly requests: number;
  readonly failed: number;
  /** Share of those in the window around the bin that met the SLO; null without an SLO or with too few requests. */
  readonly attainment: number | null;
}

export interface LatencyOfBin {
  /** Requests that have the latency, or failed. */
  readonly requests: number;
  /** Nearest-rank percentiles in which a failed request is infinitely late: null if it is one. */
  readonly p50_ms: number | null;
  readonly tail_ms: number | null;
  /** p50 of each run, of at least two; null where one has too few requests, or fails. */
  readonly p50_of_runs_ms: readonly number[] | null;
}

/** TTFT of requests in the first run of each side. */
export interface RequestPairs {
  readonly points: readonly RequestPair[];
  /** Requests of both runs, and how many of them failed in one alone, or in both. */
  readonly requests: number;
  readonly failed_base: number;
  readonly failed_new: number;
  readonly failed_both: number;
  /** Of those that failed in neither: how many have a longer TTFT in new, and a shorter one. */
  readonly longer: number;
  readonly shorter: number;
}

/** A TTFT is null where the request failed; not in both. */
export interface RequestPair {
  readonly base_ms: number | null;
  readonly new_ms: number | null;
  readonly due_s: number;
}

/** A request as the first run of each side has it. */
export interface RecordPair {
  readonly base: RequestRecord;
  readonly new: RequestRecord;
}

/** What the records of a side's first run need to be understood. */
export interface FirstRun {
  /** What the `X-Request-Id` of its calls begin with; null: there were none. */
  readonly id_prefix: string | null;
  /** What the due times of an imported run are; null: the run is our own. */
  readonly starts: Imported['starts'] | null;
  /** Which of the requests that changed most have their record in the run's report. */
  readonly in_report: ReadonlySet<string>;
}
