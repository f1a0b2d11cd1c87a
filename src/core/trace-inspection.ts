/**
 * What is in a trace: the keys of `trace inspect --json`, but for `charts`. Definitions: the README of `workloads`.
 * Null: there are too few requests for a figure, or the trace does not say.
 */
export interface TraceInspection {
  readonly file: string;
  readonly format: string;
  /** Of the file's bytes as they are on the disk. */
  readonly sha256: string | null;
  readonly rows: number;
  readonly bad_rows: number;
  /** From the first request to the last; null where the trace has no start times. */
  readonly duration_s: number | null;
  /** As `meanRate` of `src/core/rate.ts`. */
  readonly rate_rps: number | null;
  /** Coefficient of variation of the gaps between arrivals; 1 for Poisson. */
  readonly iat_cv: number | null;
  /** Index of dispersion of counts, by window: variance over mean; 1 for Poisson at every window. */
  readonly idc: { readonly '1s': number | null; readonly '10s': number | null; readonly '60s': number | null };
  /** Null for a trace that is shorter than a window. */
  readonly peak_10s_over_mean: number | null;
  readonly max_same_time: number;
  readonly distinct_times: number;
  /** Rows that are due before the row above. */
  readonly out_of_order: number;
  /** Greatest common divisor of the gaps. */
  readonly resolution_s: number | null;
  readonly longest_silence: LongestSilence | null;
  /** Gaps between arrivals. */
  readonly iat: GapStatistics | null;
  readonly windows: readonly WindowStatistics[];
  readonly input_tokens: LengthStatistics;
  readonly output_tokens: LengthStatistics;
  readonly total_tokens: LengthStatistics;
  readonly joint: JointStatistics;
  readonly sessions: number;
  readonly turns_per_session: number | null;
  /** Null where no request has a session. */
  readonly session_details: SessionStatistics | null;
  readonly classes: NameCounts | null;
  readonly models: NameCounts | null;
  readonly users: NameCounts | null;
  readonly media: readonly MediaCount[];
  /** Rows whose lengths are estimates from characters. */
  readonly estimated_rows: number;
  /** Rows that failed where the trace was taken. */
  readonly failed_rows: number;
  /** Null where the trace has no block ids. */
  readonly prefix: PrefixStatistics | null;
  /** Arrivals in 60 equal parts of the trace. */
  readonly arrivals: readonly number[];
  readonly warnings: readonly string[];
  readonly charts: TraceCharts;
}

export interface LongestSilence {
  readonly s: number;
  /** From the first request. */
  readonly from_s: number;
}

export interface GapStatistics {
  readonly mean_s: number;
  readonly p50_s: number;
  readonly p90_s: number;
  readonly p99_s: number;
  readonly max_s: number;
  readonly zeros: number;
  readonly acf: readonly LagCorrelation[];
  /** Kolmogorov-Smirnov distance from the exponential distribution of the same mean. */
  readonly ks_exponential: number | null;
}

export interface LagCorrelation {
  readonly lag: number;
  readonly r: number;
}

/** Counts in bins of one length. */
export interface WindowStatistics {
  readonly window_s: number;
  readonly idc: number | null;
  readonly peak_over_mean: number | null;
  readonly max_count: number;
  /** Complete bins, and how many of them are empty. */
  readonly bins: number;
  readonly empty: number;
  readonly acf: readonly LagCorrelation[];
}

export interface LengthStatistics {
  readonly mean: number | null;
  readonly sd: number | null;
  readonly cv: number | null;
  readonly sum: number;
  readonly min: number | null;
  readonly p1: number | null;
  readonly p5: number | null;
  readonly p10: number | null;
  readonly p25: number | null;
  readonly p50: number | null;
  readonly p75: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
  readonly max: number | null;
  /** Rows of the largest length: many of them are the mark of a cap. */
  readonly at_max: number;
}

export interface JointStatistics {
  readonly pearson: number | null;
  readonly spearman: number | null;
  /** Rows that `spearman` is of: a random sample where they are fewer than all. */
  readonly spearman_rows: number;
  /** Rows less the distinct pairs of lengths. */
  readonly repeated_pairs: number;
  /** Whether `repeated_pairs` is counted; else it is estimated, to some tenths of a percent of the pairs. */
  readonly is_exact: boolean;
}

/** Of a quantity of time. */
export interface DurationStatistics {
  readonly n: number;
  readonly mean_s: number | null;
  readonly p50_s: number | null;
  readonly p90_s: number | null;
  readonly p99_s: number | null;
  readonly max_s: number | null;
}

export interface SessionStatistics {
  readonly single_turn: number;
  readonly turns: Pick<LengthStatistics, 'mean' | 'p50' | 'p90' | 'p99' | 'max'>;
  /** From the start of a turn to that of the next. */
  readonly gap: DurationStatistics;
  /** From the end of an answer to the next turn, where the trace tells. */
  readonly think: DurationStatistics;
  /** Turns that begin before the answer to the one before has ended. */
  readonly overlapping: number;
  readonly duration: DurationStatistics;
  /** Rows whose parent is not in the trace. */
  readonly parents_missing: number;
  /** Rows of branches such as subagents. */
  readonly agent_rows: number;
}

export interface NameCounts {
  readonly distinct: number;
  /** The most frequent, most first. */
  readonly top: readonly { readonly name: string; readonly rows: number }[];
  readonly rows: number;
}

export interface MediaCount {
  readonly kind: 'image' | 'audio' | 'video';
  readonly rows: number;
  readonly items: number;
}

/** Share of the prompts that a prefix cache would have held. */
export interface PrefixStatistics {
  /** Tokens per block; null where the file does not give it. */
  readonly block_tokens: number | null;
  /** Of a cache without limit. */
  readonly max_hit_ratio: number;
  readonly max_hit_ratio_tokens: number | null;
  readonly blocks: number;
  readonly distinct_blocks: number;
  readonly rows_with_hit: number;
  /** Rows all of whose blocks earlier rows had. */
  readonly rows_fully_hit: number;
  /** Distinct first blocks. */
  readonly roots: number;
  /** Whether each id stands behind one other id alone, as where it names its whole prefix. */
  readonly is_chained: boolean;
  /** Distinct blocks by how many rows have them. */
  readonly uses: { readonly once: number; readonly twice: number; readonly ten_or_more: number; readonly max: number };
  /** Hit ratio of blocks in an LRU cache by its size. */
  readonly lru: readonly LruPoint[];
  /** Share of the blocks that `lru` and `uses` are of: below 1, a sample by hash. */
  readonly sampled: number;
}

export interface LruPoint {
  readonly blocks: number;
  readonly hit_ratio: number;
}

/** What the page draws, and `--json` leaves out. */
interface TraceCharts {
  readonly over_time: readonly TraceTimeBin[];
  readonly lengths: readonly LengthCell[];
  /** Sessions by turns. */
  readonly turns: readonly CountBin[];
  /** Seconds between the starts of turns, and of think time. */
  readonly gaps: readonly CountBin[];
  readonly think: readonly CountBin[];
}

export interface TraceTimeBin {
  readonly from_s: number;
  readonly to_s: number;
  readonly requests: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** Requests whose lengths are from `[from` to `to)`. */
export interface LengthCell {
  readonly input: readonly [from: number, to: number];
  readonly output: readonly [from: number, to: number];
  readonly requests: number;
}

export interface CountBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}
