import type { Socket } from 'node:net';
import type { CallHandler } from './call-handler.ts';
import type { LocalEnd } from './local-ports.ts';

/** One HTTP request. */
export interface CallRequest {
  readonly method: 'POST';
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** True: the connection is closed behind the answer, and the request says so. */
  readonly reset?: boolean;
}

/** One connection to a server at a time, for one call at a time; it is opened anew where it has been closed. */
export interface HttpClient {
  dispatch(request: CallRequest, handler: CallHandler): void;
  destroy(): Promise<unknown>;
}

/** A socket and what reads it. */
export interface Opened {
  readonly socket: Socket;
}

export type OnOpened<S extends Opened> = (error: Error | null, opened: S | null) => void;

/** Idle connections are closed this long after their last use, before most servers do (vLLM: 5 s). */
export const KEEP_ALIVE_MS = 4000;

/** How the sockets of one origin are opened, and calls sent on them. */
export interface Http<S extends Opened> {
  open(from: LocalEnd, callback: OnOpened<S>): void;
  /** `open`: what gives the client a socket when it needs one. */
  client(open: (callback: OnOpened<S>) => void): HttpClient;
}
