import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatheredBytes } from '../../core/gathered-bytes.ts';
import { sendError } from './http-server.ts';

export interface BodyLimits {
  readonly bytes: number;
  /** Of all requests together that have not been answered to their end. */
  readonly allBytes: number;
}

/**
 * Token ids take some 6 bytes each: a prompt of 64 MiB is longer than any model's context. All together are as many as
 * 16,000 requests of 5,000 tokens in flight have.
 */
const LIMITS: BodyLimits = { bytes: 64 * 1024 ** 2, allBytes: 512 * 1024 ** 2 };

/** The bodies of all ports of a server. */
export class RequestBodies {
  readonly #limits: BodyLimits;
  #allBytes = 0;

  constructor(limits: BodyLimits = LIMITS) {
    this.#limits = limits;
  }

  /**
   * Calls `done` with the text of the whole body. A body above the limit gets 413, one for which there is no room beside
   * the others 503, and its rest is thrown away; `done` is not called then, nor if the client disconnects first.
   */
  read(req: IncomingMessage, res: ServerResponse, done: (text: string) => void): void {
    const { bytes: most, allBytes } = this.#limits;
    const body = new GatheredBytes();
    let bytes = 0;
    const release = (): void => {
      this.#allBytes -= bytes;
      bytes = 0;
      body.take();
    };
    const refuse = (status: number, message: string): void => {
      req.off('data', collect).off('end', finish).resume();
      release();
      res.setHeader('connection', 'close');
      sendError(res, status, message);
    };
    const collect = (chunk: Buffer): void => {
      bytes += chunk.length;
      this.#allBytes += chunk.length;
      body.push(chunk);
      if (bytes > most) refuse(413, `The body is larger than ${most} bytes.`);
      else if (this.#allBytes > allBytes)
        refuse(503, `The bodies of all requests in flight are larger than ${allBytes} bytes.`);
    };
    const finish = (): void => {
      done(body.take().toString());
    };
    res.once('close', release);
    req.on('data', collect).on('end', finish);
    // What is only said is not waited for.
    if (Number(req.headers['content-length'] ?? 0) > most) refuse(413, `The body is larger than ${most} bytes.`);
  }
}
