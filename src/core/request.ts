/** One request of a trace. Sources yield them in due order; transforms keep that order. */
export interface Request {
  /** Unique within the trace: the source's own id, or `r<seq>`. */
  readonly id: string;
  /** Line of the source, 1-based, header included. */
  readonly traceRow: number;
  /** Arrival time in the trace: whole microseconds from the start of the (transformed) trace. */
  readonly dueUs: number;
  /** Tokens of the whole prompt, history included. */
  readonly inputTokens: number;
  /** Tokens to generate; the server is made to produce exactly this many. */
  readonly outputTokens: number;
  readonly session?: string;
  /** Position in the session, from 0. */
  readonly turn?: number;
  /** Class of SLO that the trace gives the request. */
  readonly sloClass?: string;
  /** Model that the trace names. */
  readonly model?: string;
  /** Prefix block ids, in order; equal ids mean equal tokens. */
  readonly blocks?: readonly number[];
}
