import type { Answer } from './target.ts';
import type { Request } from './request.ts';

/** One HTTP call of an exchange. Plain data, so that it can be built in another thread. */
export interface Call {
  /** Unique within the exchange. */
  readonly id: number;
  /** `stream`: its bytes are the user's tokens. `reply`: its body is read whole and handed to `next`. */
  readonly role: 'stream' | 'reply';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Where a decoder reports tokens; the same meaning of `count` as in `Sink.tokens`. */
export interface TokenOut {
  tokens(count: number): void;
}

/** Turns the bytes of one `stream` call into token events, however they are cut. */
export interface Decoder {
  push(chunk: Uint8Array): void;
  /** The body has ended. Null if that was a proper end of an answer, else what is wrong with it. */
  end(): string | null;
  /** What the server said went wrong, inside an answer that began well; null so far. */
  readonly error: string | null;
  /** What is known of the answer by now. */
  answer(httpStatus: number): Answer;
}

/**
 * A wire dialect. An exchange is steps of calls: those of `open` are sent at once; when all `reply` calls of a step
 * are in, `next` gives the calls of the next step. No I/O and no clock: bytes in, calls and tokens out.
 */
export interface Codec {
  readonly name: string;
  open(request: Request): readonly Call[];
  decoder(request: Request, out: TokenOut): Decoder;
  /** The next step's calls, given the bodies of this step's replies by call id; absent: exchanges have one step. */
  next?(request: Request, replies: ReadonlyMap<number, Uint8Array>): readonly Call[];
  /** One line out of the body of a reply that was not 2xx. */
  refusal(body: string): string;
}
