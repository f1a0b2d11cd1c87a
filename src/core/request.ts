/** One request of a trace. Sources yield them in due order; transforms keep that order. */
export interface Request {
  /** Unique within the trace: the source's own id, or `r<seq>`. */
  readonly id: string;
  /** Line of the source, 1-based, header included. */
  readonly traceRow: number;
  /**
   * Arrival time in the trace: whole microseconds from the start of the (transformed) trace; from the start of its
   * session where the source has no starts (`Source.starts`).
   */
  readonly dueUs: number;
  /** Tokens of the whole prompt, history included. */
  readonly inputTokens: number;
  /** Tokens to generate; the server is made to produce exactly this many. */
  readonly outputTokens: number;
  readonly session?: string;
  /** Position in the session, from 0. */
  readonly turn?: number;
  /** Id of the request whose answer this one follows; it may stand outside of the trace. Absent: the turn before. */
  readonly parent?: string;
  /**
   * What it waits for where sessions keep their think times: due when the last of them, each with its time, is over.
   * Absent: to be found from `parent` or the turn before, and their times; empty: it waits for none.
   */
  readonly after?: readonly After[];
  /**
   * Number of its session tree: the requests that `session` and `after` link. Given where the sessions of a plan are
   * told apart; the requests of a tree then follow one another.
   */
  readonly tree?: number;
  /**
   * Id of the request whose prompt and answer its own prompt goes on from, with `newTokens` behind them, where answers
   * are those of the run; `inputTokens` then is as long as planned answers make it. Absent: its prompt is the trace's.
   */
  readonly continues?: string;
  /** Brings the context of its session into the cache before the session goes on; not measured. */
  readonly isPriming?: true;
  /** Branch of its session, such as a subagent. */
  readonly agent?: string;
  /** Tokens of the prompt that no earlier prompt or answer of the session has, where the trace tells. */
  readonly newTokens?: number;
  /** Class of SLO that the trace gives the request. */
  readonly sloClass?: string;
  /** Model that the trace names. */
  readonly model?: string;
  /** Client or tenant that the trace names. */
  readonly user?: string;
  /** Prefix block ids, in order; equal ids mean equal tokens. Readers give ids of different scopes different numbers. */
  readonly blocks?: readonly number[];
  /** The prompt itself, where the trace has it. */
  readonly prompt?: Prompt;
  /** Body as a log or batch has it, sent as it is, but for what a run decides: model, stream. */
  readonly payload?: JsonObject;
  /** Fields for the body beside the prompt, such as `temperature`. */
  readonly params?: JsonObject;
  readonly media?: readonly MediaItem[];
  /** The lengths are estimates from characters, for the trace has texts and no token counts. */
  readonly isEstimated?: true;
  /** What the trace says of its own answer; compared with nothing that is measured. */
  readonly source?: SourceAnswer;
  /** Columns that mean nothing to a run, as they stood: kept for who writes the trace again. */
  readonly extra?: JsonObject;
}

/** A predecessor, and the time from the end of its answer until what follows: think time, or that of tools. */
export interface After {
  readonly id: string;
  readonly thinkUs: number;
}

export type Prompt =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  | { readonly kind: 'messages'; readonly messages: readonly JsonObject[] };

/** An image, or another item that is no text. */
export interface MediaItem {
  readonly kind: 'image' | 'audio' | 'video';
  /** How many such items; absent: 1. */
  readonly count?: number | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly tokens?: number | undefined;
  /** URL, path or id. */
  readonly ref?: string | undefined;
}

/** How the system that the trace was taken from answered. */
interface SourceAnswer {
  readonly ttftUs?: number;
  /** From its start to the end of the answer. */
  readonly e2eUs?: number;
  /** Tokens of the prompt that it found in its prefix cache. */
  readonly cachedTokens?: number;
  readonly failed?: true;
}

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}
