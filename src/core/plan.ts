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
  /** Tokens of a prefix block, for traces whose file does not say. */
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
  readonly transforms: readonly TransformSpec[];
  /** Tokens of a prefix block, where requests have blocks and their size is known. */
  readonly blockTokens?: number;
  open(): AsyncIterable<readonly Request[]>;
}

/** Totals of a plan, found in a first pass over its source, before anything is sent. */
export interface PlanStats {
  readonly requests: number;
  /** Due time of the last request. */
  readonly lastDueUs: number;
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
