import type { Call } from './codec.ts';
import type { Outcome, Phases, TokenCountSource } from './record.ts';
import type { Request } from './request.ts';

/** A request made ready ahead of its due time. */
export interface ScheduledRequest {
  /** Its position in the plan, from 0: the key by which target and sink speak of it. */
  readonly index: number;
  readonly request: Request;
  /** When it is due, microseconds from the run's start: the trace's time, unless a schedule decides otherwise. */
  readonly dueUs: number;
  /** The first step's HTTP calls, bodies encoded; empty for a target that is not spoken to over HTTP. */
  readonly calls: readonly Call[];
}

/** What an answer said about itself, as far as it came. */
export interface ResponseInfo {
  readonly httpStatus: number | null;
  readonly finishReason: string | null;
  readonly inputTokens: number | null;
  readonly cachedTokens: number | null;
  /** The server's own count; when it is larger or smaller than what was seen, it wins. */
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly countSource: TokenCountSource | null;
  readonly phases: Phases | null;
}

/** Where a target reports to. For one index: `sent`, then any number of `tokens`, then one `end` or `fail`. */
export interface Sink {
  /** The body was handed to the socket at `timeUs`; `connectUs` of that was spent connecting, null if nothing was. */
  sent(index: number, timeUs: number, connectUs: number | null): void;
  /** `count` tokens arrived together. 0: an event that may or may not have carried a token (empty text). */
  tokens(index: number, timeUs: number, count: number): void;
  end(index: number, timeUs: number, answer: ResponseInfo): void;
  fail(index: number, timeUs: number, outcome: Outcome, error: string, answer: ResponseInfo | null): void;
  /** A fault of ours, such as a codec that threw: the request has no outcome, and the replay ends. Nothing follows. */
  fault(index: number, error: unknown): void;
}

/** What is measured: a server behind a codec and a transport, or the reference engine in process. */
export interface Target {
  send(planned: ScheduledRequest, sink: Sink): void;
  /** Gives a request up, and tells what is known of its answer. What had come by then is still reported; then nothing. */
  cancel(index: number): ResponseInfo | null;
}
