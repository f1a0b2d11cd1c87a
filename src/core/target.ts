import type { Call } from './codec.ts';
import type { HandoverTimes, Outcome, Phases, TokenCountSource } from './record.ts';
import type { JsonObject, Request } from './request.ts';

/** A request prepared ahead of its due time. */
export interface ScheduledRequest {
  /** Position in the plan, from 0: the key that target and sink use for the request. */
  readonly index: number;
  readonly request: Request;
  /** Due time in microseconds from the run's start: the trace's time, unless a schedule decides otherwise. */
  readonly dueUs: number;
  /** The trace's time, where a schedule decides otherwise. */
  readonly plannedUs?: number;
  /** The HTTP calls of its exchange, bodies encoded; empty for a target that is not reached over HTTP. */
  readonly calls: readonly Call[];
  /**
   * The turns of its session that its prompt repeats, and itself as the last, where answers are those of the run and the
   * target is not reached over HTTP; absent: the request's blocks are all that is known of its prompt.
   */
  readonly turns?: readonly [SessionTurn, ...SessionTurn[]];
}

/** Tokens that a turn brought into its session: what is new of its prompt, and its output. */
export interface SessionTurn {
  /** Unique in the run, from 1: equal ids mean equal tokens at equal positions. */
  readonly id: number;
  /** Position of the first of them; they go on until the next turn begins. */
  readonly begin: number;
}

/** Facts of a response, from the part of it that arrived. */
export interface ResponseInfo {
  readonly httpStatus: number | null;
  readonly finishReason: string | null;
  readonly inputTokens: number | null;
  readonly cachedTokens: number | null;
  /** The server's own last count: a claim, which is believed within the bounds that `settleTokenTimes` knows. */
  readonly outputTokens: number | null;
  /** The same by another of its counts, such as the total less the prompt; absent where there is none. */
  readonly outputTokensByTotal?: number | null;
  readonly reasoningTokens: number | null;
  /** Events whose text is reasoning; absent or null where reasoning is not told from other text. */
  readonly reasoningTexts?: number | null;
  /** How the events were counted; `chunks` where counts of ids or usage turned out wrong. */
  readonly countSource: TokenCountSource | null;
  /** Why the ids or the usage of the events do not count them; absent or null where they do, or there are none. */
  readonly countFault?: string | null;
  readonly phases: Phases | null;
  /** Of an exchange whose prefill and decode are calls of their own. */
  readonly handover?: HandoverTimes;
  /** `server`: the times of its tokens are the server's. Absent: the client's. */
  readonly tokenTimeSource?: 'server';
  /** What the model answered; absent where a codec is not asked to keep it. */
  readonly answer?: Answer;
  /** Of a failed exchange: what it left behind on a server, a clause for its error. */
  readonly aftermath?: string;
}

/**
 * What a model answered, for the prompt of the next turn of its session. It goes back to the server that sent it, and
 * nowhere else: no record or message may show it.
 */
export interface Answer {
  /** Without reasoning. */
  readonly text: string;
  /** Ids of all its tokens; null where the server does not give them. */
  readonly ids: readonly number[] | null;
  /** Of chat, as they came, the pieces of each joined. */
  readonly toolCalls: readonly JsonObject[];
  /** It was longer than what is kept of an answer: this is its beginning. */
  readonly isCut: boolean;
}

/** The error of a failed exchange, with what it left behind. */
export function withAftermath(error: string, response: ResponseInfo | null): string {
  return response?.aftermath === undefined ? error : `${error}; ${response.aftermath}`;
}

/** Whether an event came with text; `unknown`: with text in a field that may be output, or say something about it. */
export type HasText = boolean | 'unknown';

/** Receives what a target reports. For one index: `sent`, then any number of `tokens`, then one `end` or `fail`. */
export interface Sink {
  /** The body was handed to the socket at `timeUs`; `connectUs` of that was spent connecting, null if nothing was. */
  sent(index: number, timeUs: number, connectUs: number | null): void;
  /**
   * `count` tokens arrived together. 0: an event that may or may not have carried a token (empty text). `hasText`:
   * whether they came with text; absent: where there are any.
   */
  tokens(index: number, timeUs: number, count: number, hasText?: HasText): void;
  end(index: number, timeUs: number, response: ResponseInfo): void;
  fail(index: number, timeUs: number, outcome: Outcome, error: string, response: ResponseInfo | null): void;
  /**
   * A fault of Reprise, such as a codec that threw: the request has no outcome, the replay ends, and no call follows.
   */
  fault(index: number, error: unknown): void;
}

/** The system under test: a server behind a codec and a transport, or the reference engine in process. */
export interface Target {
  send(request: ScheduledRequest, sink: Sink): void;
  /**
   * Aborts a request and returns the response as known so far. Tokens that have arrived are still reported before it
   * returns; none after.
   */
  cancel(index: number): ResponseInfo | null;
  /** Calls `then` once all that has arrived by now has been reported; absent: nothing ever waits. */
  afterArrivals?(then: () => void): void;
}
