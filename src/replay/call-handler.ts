import type { Dispatcher } from 'undici';
import type { Call } from '../core/codec.ts';
import type { Lease } from './connections.ts';

/** Bytes of an error response's body that are read at most. */
const ERROR_BODY_BYTES = 8192;

/** Receives the events of one call; an Exchange implements it. */
export interface CallEvents {
  onSent(connectUs: number | null): void;
  onHead(status: number, encoding: string): void;
  onStream(chunk: Uint8Array): void;
  onCallEnd(role: Call['role']): void;
  onErrorStatus(status: number, body: string): void;
  onBroken(role: Call['role'], error: Error, connected: boolean): void;
  /** What one of these threw: undici would take an exception for an error of the connection, and it would be lost. */
  onThrown(thrown: unknown): void;
}

/** undici's callbacks for one call; the token path goes through `onResponseData` alone. */
export class CallHandler implements Dispatcher.DispatchHandler {
  readonly #exchange: CallEvents;
  readonly #role: Call['role'];
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #aborted = false;
  lease: Lease | null = null;
  release: () => void = () => undefined;
  onReply: (body: Uint8Array) => void = () => undefined;

  constructor(exchange: CallEvents, role: Call['role']) {
    this.#exchange = exchange;
    this.#role = role;
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort(new Error('given up'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted) controller.abort(new Error('given up'));
  }

  onRequestSent(): void {
    try {
      this.#exchange.onSent(this.lease?.connectUs ?? null);
    } catch (thrown) {
      this.#exchange.onThrown(thrown);
    }
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#status = status;
    if (this.#aborted) return;
    try {
      this.#exchange.onHead(status, String(headers['content-encoding'] ?? 'identity'));
    } catch (thrown) {
      this.#exchange.onThrown(thrown);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#aborted) return;
    try {
      if (this.#role === 'stream' && this.#isOk()) this.#exchange.onStream(chunk);
      else this.#keep(chunk);
    } catch (thrown) {
      this.#exchange.onThrown(thrown);
    }
  }

  onResponseEnd(): void {
    this.release();
    if (this.#aborted) return;
    try {
      if (!this.#isOk()) this.#reportError();
      else {
        if (this.#role === 'reply') this.onReply(Buffer.concat(this.#kept));
        this.#exchange.onCallEnd(this.#role);
      }
    } catch (thrown) {
      this.#exchange.onThrown(thrown);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.release();
    if (this.#aborted) return;
    try {
      if (this.#status >= 300) this.#reportError();
      else this.#exchange.onBroken(this.#role, error, this.#controller !== null);
    } catch (thrown) {
      this.#exchange.onThrown(thrown);
    }
  }

  #isOk(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #keep(chunk: Buffer): void {
    this.#kept.push(Buffer.from(chunk));
    this.#keptBytes += chunk.length;
    if (!this.#isOk() && this.#keptBytes >= ERROR_BODY_BYTES) this.#reportError();
  }

  #reportError(): void {
    this.#exchange.onErrorStatus(this.#status, Buffer.concat(this.#kept).toString('utf8', 0, ERROR_BODY_BYTES));
  }
}
