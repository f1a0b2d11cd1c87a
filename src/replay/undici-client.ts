import type { Dispatcher } from 'undici';
import { Client } from '../core/undici.ts';
import type { CallHandler } from './call-handler.ts';
import { KEEP_ALIVE_MS, type CallRequest, type Http, type HttpClient, type OnOpened } from './http-client.ts';
import type { ReceiveQueue } from './receive-queue.ts';
import { openStamped, type Inbox } from './stamped-socket.ts';

/** HTTP/1.1 by undici, over TLS or not. */
export function undiciHttp(origin: URL, receiveQueue: ReceiveQueue, insecure: boolean): Http<Inbox> {
  return {
    open: (from, callback) => openStamped(origin, from, receiveQueue, insecure, callback),
    client: (open) => new UndiciClient(origin, open),
  };
}

class UndiciClient implements HttpClient {
  readonly #client: Dispatcher;

  constructor(origin: URL, open: (callback: OnOpened<Inbox>) => void) {
    this.#client = new Client(origin.origin, {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: 600_000,
      allowH2: false,
      connect: (_options, callback) =>
        open((error, opened) => {
          if (opened === null) callback(error ?? new Error('not connected'), null);
          else callback(null, opened.socket);
        }),
    });
  }

  dispatch(request: CallRequest, handler: CallHandler): void {
    this.#client.dispatch(request, callbacksOf(handler));
  }

  destroy(): Promise<void> {
    return this.#client.destroy();
  }
}

/** undici's callbacks for a call. */
function callbacksOf(handler: CallHandler): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller) => handler.onStart({ abort: (_handler, reason) => controller.abort(reason) }),
    onRequestSent: () => handler.onSent(),
    onResponseStart: (_controller, status, headers) => handler.onHead(status, headers),
    onResponseData: (_controller, chunk) => handler.onBody(chunk, 0, chunk.length),
    onResponseEnd: () => handler.onEnd(),
    onResponseError: (_controller, error) => handler.onError(error),
  };
}
