import type { Source, TransformSpec } from '../../src/core/plan.ts';
import type { JsonObject, Request } from '../../src/core/request.ts';

/** What is written: a source with its transforms, and where it comes from. */
export interface WrittenTrace {
  readonly source: Pick<Source, 'name' | 'format' | 'path' | 'blockTokens' | 'starts'>;
  readonly transforms: readonly TransformSpec[];
  /** Header of a native trace, whose origin it says; null for others. */
  readonly header: JsonObject | null;
}

/** What is known when all of a trace has been read. */
export interface WrittenTotals {
  readonly sha256: string;
  /** Rows of the source that were read as requests, and those that could not be. */
  readonly rows: number;
  readonly badRows: number;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** One format that traces can be written in. */
export interface TraceWriter {
  readonly name: string;
  /** Of what requests have, all that the format holds; a row and an id that it gives itself are not missed. */
  readonly holds: ReadonlySet<keyof Request>;
  /** Throws a UserError where the format cannot hold the trace. */
  open(trace: WrittenTrace): OpenWriter;
}

export interface OpenWriter {
  /** What stands before the first request; of the same length in bytes before (null) and after the totals are known. */
  header(totals: WrittenTotals | null): string;
  /** A request as a line, with its end. Throws a UserError for one that the format cannot hold. */
  line(request: Request): string;
  /** What to know for the file's use. */
  readonly notes: readonly string[];
}
