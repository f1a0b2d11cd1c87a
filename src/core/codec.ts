import type { HasText, ResponseInfo } from './target.ts';
import type { Prompt, Request } from './request.ts';

/** How a codec sends prompts: as token ids, exact by construction, or as text that the server tokenizes. */
export type PromptForm = 'ids' | 'text';

/** Makes the prompts of requests. Equal inputs give equal prompts, in every thread and on every machine. */
export interface PromptMaker {
  /** Exactly `request.inputTokens` token ids. */
  ids(request: Request): readonly number[];
  /**
   * Text that the server tokenizes to `request.inputTokens` tokens, tokens that the server adds included, or as near as
   * possible.
   */
  text(request: Request): string;
}

/** One HTTP call of an exchange. Plain data, so that it can be built in another thread. */
export interface Call {
  /** Unique within the exchange. */
  readonly id: number;
  /** `stream`: the body carries the output tokens. `reply`: the body is read whole and passed to the decoder. */
  readonly role: 'stream' | 'reply';
  /** The calls of a step are sent at once, when all of the step before are over. Absent: 0, the first. */
  readonly step?: number;
  /** Position of the call's endpoint among the target's endpoints. */
  readonly endpoint: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Receives the tokens of a decoder; `count` and `hasText` mean the same as in `Sink.tokens`. */
export interface TokenOut {
  /** `agoUs`: how long before the bytes at hand they came, by the server's clock, microseconds; absent: with them. */
  tokens(count: number, hasText?: HasText, agoUs?: number): void;
}

/** A fault in a response that began as a proper stream, and the outcome that it gives the request. */
export interface StreamError {
  readonly outcome: 'stream_broken' | 'protocol_error';
  readonly message: string;
  /** The HTTP error status that the server gives for it inside of the stream, such as 503 where its queue is full. */
  readonly status?: number;
  /** What a server said in words in place of an answer that then did not come: the reason, perhaps. */
  readonly remark?: string;
}

/**
 * Thrown by a decoder for bytes that its protocol does not allow; any other exception of a decoder is a fault of
 * Reprise.
 */
export class ProtocolError extends Error {}

/**
 * A response that is finished counts as over after this time without an event, if neither `[DONE]` nor the
 * body's end comes. Its end is then the last event's time.
 */
export const FINISHED_GRACE_MS = 2000;

/** Decodes one exchange: the bytes of its `stream` call, cut anywhere, into token events; the replies of the others. */
export interface Decoder {
  push(chunk: Uint8Array): void;
  /** The same of `[from, to)` of a buffer, for which no view need be made. Absent: `push` is given one. */
  pushPart?(bytes: Buffer, from: number, to: number): void;
  /** Called once the body has ended. Null if the response was complete. */
  end(): StreamError | null;
  /**
   * The first fault in the bytes so far: an error that the server reports, or bytes of another protocol. Null: none.
   */
  readonly error: StreamError | null;
  /** Whether the server has ended its stream (such as by `[DONE]`): nothing that follows belongs to the response. */
  readonly isDone: boolean;
  /**
   * Above 0 once the response is finished, by a finish reason or as many tokens as planned, and larger with every event from there on, such
   * as the usage. 0, also again: it is not finished, because text followed what seemed its end. Absent: as 0.
   */
  readonly finalEvents?: number;
  /** The response as known so far. */
  response(httpStatus: number | null): ResponseInfo;
  /** Reads the whole body of a `reply` call. An error ends the exchange. */
  reply?(call: Call, body: Uint8Array): StreamError | null;
  /**
   * The calls of the next step, once the replies of the last one are in; `prepared`: those that `open` made for it.
   * Absent: they are sent as they are.
   */
  next?(prepared: readonly Call[]): readonly Call[];
  /** What a failure would leave behind on the servers at this moment, for its message; absent or null: nothing. */
  readonly aftermath?: string | null;
}

/**
 * The wire protocol of a kind of server. An exchange has steps of calls, and the step that holds the `stream` call is
 * the last: what `open` makes ahead of time is only completed by `Decoder.next` when it is due. No I/O and no clock:
 * bytes in, calls and tokens out.
 */
export interface Codec {
  readonly name: string;
  readonly promptForm: PromptForm;
  /** What the prompt of a later turn is made of, where responses hold their answers; absent: they do not. */
  readonly historyForm?: Prompt['kind'];
  /** Its text is all that the server tokenizes, without a chat template. Absent: that is not known. */
  readonly isWholePrompt?: true;
  /**
   * The calls of all steps, as far as they can be made before the first is sent. `position`: that of the request in its
   * plan, where several clients send the plan, so that servers take turns over all of it; absent: turns go by calls.
   */
  open(request: Request, position?: number): readonly Call[];
  decoder(request: Request, out: TokenOut): Decoder;
  /** One line from the body of a response whose status is not 2xx. */
  errorMessage(body: string): string;
  /**
   * The body of a response of `tokens` tokens as such a server would stream it; the JIT warm-up sends it through the
   * token path.
   */
  example(tokens: number): string;
  /** The same of a `reply` call; absent where there are none. */
  readonly exampleReply?: string;
}
