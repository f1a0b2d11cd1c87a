import type { Dispatcher } from 'undici';
import type { Call } from '../core/codec.ts';
import type { Lease } from './connections.ts';

/** Most of a refusal's body that is kept. */
const REFUSAL_BYTES = 8192;

/** What a call tells its exchange. */
export interface CallEvents {
  onSent(connectUs: number | null): void;
  onStream(status: number, chunk: Uint8Array): void;
  onCallEnd(role: Call['role'], status: number): void;
  onRefused(status: number, body: string): void;
  onBroken(error: Error, connected: boolean): void;
}

/** What undici calls back for one call; the token path goes through `onResponseData` alone. */
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
    this.#exchange.onSent(this.lease?.connectUs ?? null);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#aborted) return;
    if (this.#role === 'stream' && this.#isOk()) this.#exchange.onStream(this.#status, chunk);
    else this.#keep(chunk);
  }

  onResponseEnd(): void {
    this.release();
    if (this.#aborted) return;
    const body = Buffer.concat(this.#kept);
    if (!this.#isOk()) this.#exchange.onRefused(this.#status, body.toString());
    else {
      if (this.#role === 'reply') this.onReply(body);
      this.#exchange.onCallEnd(this.#role, this.#status);
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.release();
    if (!this.#aborted) this.#exchange.onBroken(error, this.#controller !== null);
  }

  #isOk(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #keep(chunk: Buffer): void {
    if (!this.#isOk() && this.#keptBytes >= REFUSAL_BYTES) return;
    this.#kept.push(Buffer.from(chunk));
    this.#keptBytes += chunk.length;
  }
}
