import type { MeasurementWindow } from './measurement-window.ts';
import type { Request } from './request.ts';

/** One transform of a source's requests; recorded, so that a plan can be rebuilt from its source. */
export interface TransformSpec {
  readonly op: string;
  readonly args: Readonly<Record<string, number | string>>;
}

/**
 * A trace file and its transforms, as plain data: a run's worker thread, and a later report on a run that was killed,
 * rebuild the same source from it.
 */
export interface WorkloadSpec {
  readonly path: string;
  readonly onBadRow: 'fail' | 'skip';
  /** Name of the trace format where it was detected already; absent: `traceFormat`, or as the file's first lines tell. */
  readonly format?: string;
  /** Name of the format that the user says the file is of; absent: detected. */
  readonly traceFormat?: string;
  /** Which column of a table is what, as `--map` has it; with `format`: with what was guessed. */
  readonly map?: string;
  /** Tokens of a prefix block, for traces whose file does not give it; with `format`: as found in the file. */
  readonly blockTokens?: number;
  /** A `tokenizer.json` that counts the tokens of texts, for traces without token counts; absent: by characters. */
  readonly tokenizer?: string;
  /** Absent: as the format has it, `whole` for most. */
  readonly inputIs?: InputIs;
  /** With `format`: as found in the file. */
  readonly starts?: 'none';
  /** Applied in this order. */
  readonly transforms: readonly TransformSpec[];
  /** How its sessions are to be replayed; absent: nothing was asked. Scanning makes transforms of it. */
  readonly sessions?: SessionsAsked;
}

/**
 * What stands before the new part of a later turn's prompt: what the trace has there, or the prompts and answers of the
 * run.
 */
export type HistoryMode = 'trace' | 'live';

/** How a user wants the sessions of a trace replayed. */
export interface SessionsAsked {
  /** Later turns at the trace's times, or after the answers before them; absent: as the trace allows. */
  readonly mode?: 'trace' | 'think' | undefined;
  /** Prompts as the trace has them, or with the answers of the run; absent: as its rows allow. */
  readonly history?: HistoryMode | undefined;
  /** Session trees that start a second, for a trace that does not say when. */
  readonly sessionRate?: number | undefined;
  /** Session trees at a time. */
  readonly lanes?: number | undefined;
  /** Sessions are met as they go on; false or absent: at their starts. */
  readonly isStationary?: boolean | undefined;
}

/** How the sessions of a plan are replayed; its trees stand one after another (`Request.tree`). */
export interface SessionsPlan {
  readonly thinks: boolean;
  readonly history: HistoryMode;
  /** Session trees at a time; null: each begins at its time. */
  readonly lanes: number | null;
}

/**
 * What the input tokens of a row count: the whole prompt, what of it no prefix cache held, or what is new of it in its
 * session.
 */
export const INPUT_IS = ['whole', 'uncached', 'new'] as const;
export type InputIs = (typeof INPUT_IS)[number];

/** A source of requests. `open` may be called again and yields the same batches each time. */
export interface Source {
  /** Name for people: the file's name, or the sample's. */
  readonly name: string;
  readonly format: string;
  /** Absolute path of the file; empty where there is none. */
  readonly path: string;
  /** As the user gave them; applied to the requests of the file. */
  readonly transforms: readonly TransformSpec[];
  /** Tokens of a prefix block, where requests have blocks and their size is known. */
  readonly blockTokens?: number;
  /**
   * `none`: the trace does not say when its sessions start, and times count from the start of each; a row without a
   * session is one of its own. Absent: times count from the start of the trace.
   */
  readonly starts?: 'none';
  /** Unit of the times, where only the name of their column says it. */
  readonly timeUnit?: 's' | 'ms' | 'us' | 'ns';
  open(): AsyncIterable<readonly Request[]>;
  /** Requests that were served before, whose prefix blocks a server's cache holds when the first of `open` comes. */
  before?(): AsyncIterable<readonly Request[]>;
  /**
   * SHA-256 of the file's bytes; reads only the bytes that no stream of `open` has read. Absent for a source without a
   * file: the digest of its requests replaces it.
   */
  sha256?(): Promise<string>;
}

/** Totals of a plan, found in a first pass over its source, before any request is sent. */
export interface PlanStats {
  readonly requests: number;
  /** Of them, those that bring the context of a session into the cache, and are not measured. */
  readonly primingRequests?: number;
  /** Due time of the first request. */
  readonly firstDueUs: number;
  /** Due time of the last request. */
  readonly lastDueUs: number;
  /** Due time of the first request that is due at the end of the warm-up or after it; null where there is none. */
  readonly firstDueAfterWarmupUs: number | null;
  /** The first requests, up to the number that the scan was given. */
  readonly firstRequests: readonly Request[];
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly minInputTokens: number;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  /** The first of the requests with the largest sum of input and output tokens. */
  readonly longest: Pick<Request, 'id' | 'traceRow' | 'inputTokens' | 'outputTokens'>;
  /**
   * What is due in the busiest second, and the output tokens of what is due in the busiest ten, a second; absent: where
   * times depend on answers.
   */
  readonly busiest?: { readonly requestsPerS: number; readonly tokensPerS: number };
  /** The prompts that the trace itself has; absent: it has none. */
  readonly ownPrompts?: OwnPrompts;
  /** Models that the trace names, the first few; absent: none. */
  readonly models?: readonly string[];
  /** Share of the input tokens that an unlimited prefix cache would hold; null where the blocks do not give it. */
  readonly prefixReuse: number | null;
  /** Rows hold the new part of each turn alone. */
  readonly hasNewParts?: true;
  /** SHA-256 of the source file's bytes. */
  readonly sourceSha256: string;
  /** SHA-256 over every request in due order and the seed: equal digests mean the same load. */
  readonly digest: string;
  /** Every class of its requests, null being those without one; absent: of a plan that was not scanned, or too many. */
  readonly classes?: readonly (string | null)[];
  /** What the arrivals give reason to doubt, each beginning with its name: `clumped`, `unit_suspect`, `starts_late`. */
  readonly warnings: readonly string[];
}

/** How many requests have prompts of the trace's own, by what these are. */
export interface OwnPrompts {
  readonly texts: number;
  readonly ids: number;
  readonly messages: number;
  /** Bodies that are sent as they are: those with messages, and those with a prompt. */
  readonly chatBodies: number;
  readonly promptBodies: number;
  /** Requests whose lengths are estimates. */
  readonly estimated: number;
}

/** The requests to replay. */
export interface Plan {
  /** The plain data from which another thread can open the source; null for a source that the caller made. */
  readonly workload: WorkloadSpec | null;
  readonly source: Source;
  readonly stats: PlanStats;
  /** Due time of the last request, where the trace decides it; null where it depends on responses. */
  readonly endUs: number | null;
  /** Null: each request at its time in the trace. */
  readonly sessions: SessionsPlan | null;
  /** Null: the whole run is measured. */
  readonly window: MeasurementWindow | null;
  readonly seed: number;
  /** The prompts are drawn from seed and salt; null in virtual time, where there are none. */
  readonly salt: string | null;
}
