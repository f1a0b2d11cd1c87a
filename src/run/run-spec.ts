import type { Source, WorkloadSpec } from '../core/plan.ts';
import type { SloSpec } from '../core/slo.ts';
import type { TargetConfig } from '../target/target-spec.ts';

/** Everything that decides a run. Plain data, but for a source or a codec of the caller's own. */
export interface RunSpec {
  readonly workload: WorkloadSpec | Source;
  readonly target: TargetConfig;
  /** What the run is judged by; null: latencies only. */
  readonly slo: SloSpec | null;
  readonly measure: {
    /** Replayed and recorded but not measured: the first so long of the replay, and the last before its last due time. */
    readonly warmupUs: number;
    readonly cooldownUs: number;
    /** From sent to last byte, and from sent to first token. */
    readonly timeoutUs: number;
    readonly ttftTimeoutUs: number;
  };
  /** What is done to the server before the run. */
  readonly prepare: {
    /** Requests that are sent before the run, and are in no record. */
    readonly warmupRequests: number;
    /** Whether the server's prefix cache is emptied. */
    readonly resetCache: boolean;
  };
  readonly seed: number;
  readonly output: {
    /** The run directory; null: `runs/<utc time>-<workload>-<target>`. */
    readonly dir: string | null;
    /** The command line, for the manifest, without secrets. */
    readonly command: readonly string[];
  };
}

/** Whether a workload is a source of the caller's own rather than a trace file. */
export function isOwnSource(workload: WorkloadSpec | Source): workload is Source {
  return 'open' in workload;
}
