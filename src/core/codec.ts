import type { ResponseInfo } from './target.ts';
import type { Request } from './request.ts';

/** How a codec sends prompts: as token ids, exact by construction, or as text that the server tokenizes. */
export type PromptForm = 'ids' | 'text';

/** Makes the prompts of requests, the same ones in every thread and on every machine that is given the same facts. */
export interface PromptMaker {
  /** As many token ids as the request has input tokens. */
  ids(request: Request): readonly number[];
  /** A text that the server makes as many tokens of, what it adds of its own included, or as near as can be. */
  text(request: Request): string;
}

/** One HTTP call of an exchange. Plain data, so that it can be built in another thread. */
export interface Call {
  /** Unique within the exchange. */
  readonly id: number;
  /** `stream`: its bytes are the user's tokens. `reply`: its body is read whole and handed to `next`. */
  readonly role: 'stream' | 'reply';
  /** Which of the target's endpoints it goes to, by position. */
  readonly endpoint: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Where a decoder reports tokens; the same meaning of `count` as in `Sink.tokens`. */
export interface TokenOut {
  tokens(count: number): void;
}

/** What is wrong with an answer that began well, and the outcome that follows from it. */
export interface StreamError {
  readonly outcome: 'stream_broken' | 'protocol_error';
  readonly message: string;
}

/** Thrown by a decoder where bytes cannot be of its protocol; anything else that one throws is a fault of ours. */
export class ProtocolError extends Error {}

/** Turns the bytes of one `stream` call into token events, however they are cut. */
export interface Decoder {
  push(chunk: Uint8Array): void;
  /** The body has ended. Null if that was a proper end of an answer. */
  end(): StreamError | null;
  /** The first fault in what was pushed: an error that the server reports, or bytes of another protocol. */
  readonly error: StreamError | null;
  /** The server has said that nothing follows, whatever becomes of the connection. */
  readonly isDone: boolean;
  /** What is known of the answer by now. */
  response(httpStatus: number | null): ResponseInfo;
}

/**
 * A wire dialect. An exchange is steps of calls: those of `open` are sent at once; when all calls of a step are over,
 * `next` gives the calls of the next one. The step that holds the `stream` call is the last. No I/O and no clock:
 * bytes in, calls and tokens out.
 */
export interface Codec {
  readonly name: string;
  readonly promptForm: PromptForm;
  open(request: Request): readonly Call[];
  decoder(request: Request, out: TokenOut): Decoder;
  /** The next step's calls, given the bodies of this step's replies by call id; absent: exchanges have one step. */
  next?(request: Request, replies: ReadonlyMap<number, Uint8Array>): readonly Call[];
  /** One line out of the body of a reply that was not 2xx. */
  errorMessage(body: string): string;
  /** The body of an answer with so many tokens, as such a server would stream it: what the token path is warmed with. */
  example(tokens: number): string;
}
