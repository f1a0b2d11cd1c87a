import type { ApiEndpoint } from '../../adapters/index.ts';
import type { SloSpec } from '../core/slo.ts';
import type { WorkloadSpec } from '../../workloads/open-workload.ts';

export type { WorkloadSpec };

/** A server to start before a run and to end after it. */
interface StartSpec {
  readonly command: string;
  /** What has to answer; null: the target's `/health`. */
  readonly ready: string | null;
  readonly timeoutUs: number;
}

/** Everything that decides a run, as plain JSON. */
export interface RunSpec {
  readonly workload: WorkloadSpec;
  /** A URL, or `reference[:SYSTEM[,key=value...]]`. */
  readonly target: string;
  /** A dialect, or `auto`: as the server is. */
  readonly adapter: string;
  /** Null: the first that the adapter speaks and the server has. */
  readonly endpoint: ApiEndpoint | null;
  /** Model to ask for; null: the first that the server lists. */
  readonly model: string | null;
  /** What makes prompts of exact length where ids are not accepted: the path of a `tokenizer.json`, or `server`. */
  readonly tokenizer: string | null;
  readonly clock: 'real' | 'virtual';
  readonly slo: SloSpec | null;
  /** Replayed and recorded but not measured: the first so long of the replay, and the last before the last due time. */
  readonly warmupUs: number;
  readonly cooldownUs: number;
  /** Requests that are sent before the run, and are in no record. */
  readonly warmupRequests: number;
  /** Whether the server's prefix cache is emptied before the run. */
  readonly resetCache: boolean;
  readonly seed: number;
  readonly timeoutUs: number;
  readonly ttftTimeoutUs: number;
  /** Added to every call. Never written to any file. */
  readonly headers: Readonly<Record<string, string>>;
  readonly insecure: boolean;
  /** How the server under test is started, where that is ours to do. */
  readonly start: StartSpec | null;
  /** File that the reference engine writes its iterations to; null: none. */
  readonly traceIterations: string | null;
  /** The run directory; null: `runs/<utc time>-<workload>-<target>`. */
  readonly out: string | null;
  /** The command line, for the manifest, without secrets. */
  readonly command: readonly string[];
}
