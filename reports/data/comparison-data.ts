import type { Ecdf } from './ecdf.ts';

/** Latencies of a request that are compared. */
export const COMPARED_LATENCIES = ['ttft', 'tpot', 'e2e'] as const;
export type ComparedLatency = (typeof COMPARED_LATENCIES)[number];

/** What the page of a comparison draws besides the comparison itself. Its size does not grow with the runs' requests. */
export interface ComparisonData {
  readonly latencies: Readonly<Record<ComparedLatency, LatencyPair>>;
  readonly pairs: RequestPairs;
  /** Of each of the comparison's requests that changed most, in their order. */
  readonly most_changed: readonly RequestFacts[];
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

export interface RequestFacts {
  readonly due_s: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
}
