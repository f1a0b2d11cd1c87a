import type { Source, WorkloadSpec } from '../core/plan.ts';
import type { SloSpec } from '../core/slo.ts';
import type { Certificate } from '../schema/certificate.ts';
import type { Manifest } from '../schema/manifest.ts';
import type { TargetConfig } from '../target/target-spec.ts';
import type { ProbeFile } from './probe-file.ts';

/** Everything that determines a run. Plain data, except for a source or codec that the caller made. */
export interface RunSpec {
  readonly workload: WorkloadSpec | Source;
  readonly target: TargetConfig;
  /** The SLO that judges the run; null: latencies only. */
  readonly slo: SloSpec | null;
  /** Share of requests that should meet the SLO, above 0 and below 1. */
  readonly at: number;
  readonly measure: {
    /** Warm-up from the start of the replay, and cool-down before its last due time: recorded but not measured. */
    readonly warmupUs: number;
    readonly cooldownUs: number;
    /** From sent to last byte, and from sent to first token. */
    readonly timeoutUs: number;
    readonly ttftTimeoutUs: number;
    /** Most requests of this client in flight at once; those that are due beyond it wait. Null: no cap. */
    readonly maxInFlight: number | null;
    /** Longest time with nothing in flight and nothing due, of sessions with think times. Null: as it comes. */
    readonly idleCapUs: number | null;
  };
  /** What was found of the target before; null: nothing is known. */
  readonly probe: ProbeFile | null;
  /** What this machine can measure; null: it is not known, or would not hold for this target. */
  readonly certificate: Certificate | null;
  /** Steps on the server before the run. */
  readonly prepare: {
    /** Warm-up requests before the run, which have no records. */
    readonly warmupRequests: number;
    /** Whether to empty the server's prefix cache. */
    readonly resetCache: boolean;
  };
  /** Threads of the client that send its requests. */
  readonly workers: 'auto' | number;
  readonly seed: number;
  /** The salt of the prompts; null: a new one for each run. */
  readonly salt: string | null;
  /** Options of `RunOptions` that are set, to something else than their defaults. */
  readonly set: ReadonlySet<string>;
  readonly output: {
    /** The run directory; null: `runs/<utc time>-<workload>-<target>`. */
    readonly dir: string | null;
    /** The options as the user gave them, for the manifest, without keys; null: they include an object of a program. */
    readonly options: Manifest['options'];
  };
}

/** How long a server may take for its first response before a run: as long as for that of a request. */
export function patienceUs({ timeoutUs, ttftTimeoutUs }: RunSpec['measure']): number {
  return Math.min(timeoutUs, ttftTimeoutUs);
}

/** Whether a workload is a source that the caller made rather than a trace file. */
export function isOwnSource(workload: WorkloadSpec | Source): workload is Source {
  return 'open' in workload;
}
