import type { MeasurementWindow } from './measurement-window.ts';
import type { Request } from './request.ts';

/** What was done to a source's requests, in order; recorded so that a plan can be rebuilt from its source. */
export interface TransformSpec {
  readonly op: string;
  readonly args: Readonly<Record<string, number | string>>;
}

/**
 * A trace file and what is done to it, as plain data: a run's worker thread, and a later report on a run that was
 * killed, rebuild the same source from it.
 */
export interface WorkloadSpec {
  readonly path: string;
  readonly onBadRow: 'fail' | 'skip';
  /** Name of the trace format; absent: the file's first lines tell it. */
  readonly format?: string;
  /** Tokens of a prefix block, for traces whose file does not say; with `format`: as found in the file. */
  readonly blockTokens?: number;
  /** Applied in this order. */
  readonly transforms: readonly TransformSpec[];
}

/** Where the requests come from. `open` may be called again and yields the same batches each time. */
export interface Source {
  /** Name for people: the file's name, or the sample's. */
  readonly name: string;
  readonly format: string;
  /** Absolute path of the file. */
  readonly path: string;
  /** As the user gave them: what was done to the requests of the file. */
  readonly transforms: readonly TransformSpec[];
  /** Tokens of a prefix block, where requests have blocks and their size is known. */
  readonly blockTokens?: number;
  open(): AsyncIterable<readonly Request[]>;
  /**
   * SHA-256 of the file's bytes; reads those only that no stream of `open` has read. Absent where there is no file: the
   * digest of the requests stands for it.
   */
  sha256?(): Promise<string>;
}

/** Totals of a plan, found in a first pass over its source, before anything is sent. */
export interface PlanStats {
  readonly requests: number;
  /** Due time of the last request. */
  readonly lastDueUs: number;
  /** Due time of the first request that is due at the end of the warm-up or after it; null where there is none. */
  readonly firstDueAfterWarmupUs: number | null;
  /** The first requests, as many as the scan was told to keep. */
  readonly firstRequests: readonly Request[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly minInputTokens: number;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  /** The first of those whose input and output together are longest. */
  readonly longest: Pick<Request, 'id' | 'traceRow' | 'inputTokens' | 'outputTokens'>;
  /** Share of the input tokens that an endless prefix cache would have had; null where the blocks do not tell. */
  readonly prefixReuse: number | null;
  /** SHA-256 of the source file's bytes. */
  readonly sourceSha256: string;
  /** SHA-256 over every request in due order and the seed: equal digests mean the same load. */
  readonly digest: string;
}

/** What is to be replayed. */
export interface Plan {
  /** What another thread can open the source from; null for a source of the caller's own. */
  readonly workload: WorkloadSpec | null;
  readonly source: Source;
  readonly stats: PlanStats;
  /** When the last request is due, where the trace decides that; null where answers do. */
  readonly endUs: number | null;
  /** Null: all of it. */
  readonly window: MeasurementWindow | null;
  readonly seed: number;
}
