import type { SloMetric } from '../core/slo.ts';
import type { Outcome } from '../core/record.ts';

/** Milliseconds; null: a failed request stands there (infinitely late), or nothing was measured. */
export interface LatencyStats {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
  readonly max: number | null;
  /** Values there are. */
  readonly n: number;
  /** Values that never came: each counts as infinitely late in the percentiles. */
  readonly missing: number;
}

export const LATENCY_METRICS = ['ttft', 'tpot', 'itl', 'e2e'] as const;
export type LatencyMetric = (typeof LATENCY_METRICS)[number];
export type LatencyTable = { readonly [K in LatencyMetric]: LatencyStats };

export interface LengthStats {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface Attainment {
  /** Share of scheduled requests that are ok and meet every limit. */
  readonly joint: number;
  /** Share that meets each limit alone; absent limits are null. */
  readonly ttft: number | null;
  readonly tpot: number | null;
  readonly e2e: number | null;
  /** 95 % interval of `joint` by moving-block bootstrap over due time; null where the sample does not carry one. */
  readonly ci95: readonly [number, number] | null;
  /** Independent requests that would give as narrow an interval; null without an interval. */
  readonly n_eff: number | null;
  readonly sufficient: boolean;
}

/** Of what a server told once a second. */
export interface ServerGauge {
  readonly mean: number;
  readonly max: number;
}

/** A quantile of a histogram: all that is sure are the bounds of its bucket. */
export interface BucketQuantile {
  /** On a straight line through the bucket; null in the last, which has no end. */
  readonly ms: number | null;
  readonly bucket_ms: readonly [from: number, to: number | null];
}

/** A latency as the server measured it, between two scrapes. */
export interface ServerLatency {
  readonly n: number;
  readonly mean: number;
  readonly p50: BucketQuantile | null;
  readonly p90: BucketQuantile | null;
  readonly p99: BucketQuantile | null;
}

/** `summary.json`: every figure of the report, computed from the records and the manifest alone. */
export interface Summary {
  readonly status: 'running' | 'complete' | 'interrupted' | 'failed';
  readonly reason: string | null;
  readonly validity: {
    /** Whether the client kept up; says nothing about the server. */
    readonly valid: boolean;
    readonly reasons: readonly string[];
    readonly lateness_ms: {
      readonly p50: number;
      readonly p90: number;
      readonly p99: number;
      readonly max: number;
    } | null;
    readonly event_loop_delay_ms: {
      readonly p50: number;
      readonly p90: number;
      readonly p99: number;
      readonly max: number;
    } | null;
    readonly client_cpu_us_per_token: number | null;
    /** Share of the run that the client spent polling. */
    readonly spin_share: number | null;
    /** Share of the run in which its main thread was ready to run and others had the cores. */
    readonly core_wait_share: number | null;
    /** Measured requests that the client touched: it stood still while they were in flight, or sent them late. */
    readonly requests_touched: number;
  };
  readonly requests: {
    readonly scheduled: number;
    readonly sent: number;
    readonly ok: number;
    readonly failed: number;
    readonly by_outcome: Readonly<Partial<Record<Outcome, number>>>;
  };
  /** What a warm-up and a cool-down left out of every figure but `little_law_error`; null where all is measured. */
  readonly left_out: {
    readonly warmup_s: number;
    readonly cooldown_s: number;
    /** Due times that are measured, from the replay's start. */
    readonly from_s: number;
    readonly to_s: number;
    readonly warmup_requests: number;
    readonly cooldown_requests: number;
    /** Of both together, those that were answered. */
    readonly ok: number;
  } | null;
  /** As planned, of the requests that are measured. */
  readonly workload: {
    readonly requests: number;
    /** Rows of the source that could not be read and were left out. */
    readonly bad_rows: number;
    readonly duration_s: number;
    readonly rate_rps: number;
    readonly input_tokens: LengthStats | null;
    readonly output_tokens: LengthStats | null;
    /** Whether prompts were made to be as long as planned or nearly so; null where there are none (virtual time). */
    readonly prompts: 'exact' | 'approximate' | null;
    /** Share of the input tokens that an endless prefix cache would have had; null where the trace does not tell. */
    readonly prefix_reuse: number | null;
  };
  /** As delivered: the first due time to the last end, of the requests that are measured. */
  readonly delivered: {
    readonly duration_s: number;
    readonly rate_rps: number;
    readonly input_tokens: LengthStats | null;
    readonly output_tokens: LengthStats | null;
    /** Input tokens as the server counts them, less those planned, of ok requests; null where it does not count. */
    readonly input_deviation_tokens: {
      readonly mean: number;
      /** The largest, whichever its sign. */
      readonly max: number;
      /** Requests whose count is another than planned, of those counted. */
      readonly requests: number;
      readonly counted: number;
    } | null;
    /** Share of the input tokens of ok requests that the server had cached; null where it does not tell. */
    readonly prefix_reuse: number | null;
  };
  readonly throughput: {
    readonly requests_per_s: number;
    readonly good_requests_per_s: number | null;
    /** Null where the server counts no input tokens. */
    readonly input_tokens_per_s: number | null;
    readonly output_tokens_per_s: number;
  };
  /** From the due time, over all scheduled requests: what users felt. */
  readonly latency_ms: LatencyTable;
  /** Survivors alone: the secondary view. */
  readonly latency_ok_ms: LatencyTable;
  /** From the send time: what the server did. */
  readonly service_latency_ms: LatencyTable;
  /** Relative difference of sampled requests in flight from rate times time in system; null without sampling. */
  readonly little_law_error: number | null;
  readonly slo: {
    readonly limits_ms: { readonly ttft?: number; readonly tpot?: number; readonly e2e?: number };
    readonly attainment: Attainment;
    /** The limit that most requests miss; null if none is missed. */
    readonly binding: SloMetric | null;
  } | null;
  readonly fluidity: { readonly mean: number; readonly share_at_least_0_9: number } | null;
  /** What the server said of itself (`server.parquet`), whoever asked it; null where it told nothing. */
  readonly server: {
    readonly scrapes: number;
    readonly scrapes_failed: number;
    /** Between which counters and histograms are counted, from the run's start. */
    readonly counted_from_s: number;
    readonly counted_to_s: number;
    /** Requests, while measured ones were due. */
    readonly running: ServerGauge | null;
    readonly waiting: ServerGauge | null;
    /** Share of the KV cache in use, of the fullest engine. */
    readonly kv_usage: ServerGauge | null;
    /** Share of prompt tokens that were found in the prefix cache. */
    readonly prefix_hit_rate: number | null;
    readonly preemptions: number | null;
    readonly latency_ms: {
      readonly ttft: ServerLatency | null;
      readonly itl: ServerLatency | null;
      /** From arrival until a request first ran. */
      readonly queue: ServerLatency | null;
    };
  } | null;
  /** Of the virtual clock only: the same inputs and seed give the same value on every machine. */
  readonly records_sha256: string | null;
}
