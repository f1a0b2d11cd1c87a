import type { ServerResponse } from 'node:http';
import { machineUs } from '../../core/wall-clock.ts';
import type { Listener } from '../engine.ts';
import type { ResponseFormat } from './response-format.ts';

/** One request's response on its connection, written as the engine emits tokens. */
export interface ResponseListener extends Omit<Listener, 'reject'> {
  /** The engine has accepted the request. */
  begin(): void;
  /** The request fails after the headers of its response were sent. */
  breakOff(status: number, message: string): void;
  /** The client has disconnected before the response was complete. */
  abort(): void;
}

/** Gets the times at which a request's tokens were written, once: when its response has ended or was aborted. */
export type LogEmissions = (emittedUs: readonly number[]) => void;

/** Streamed: one write for the tokens of one iteration. */
export function streamingResponse(
  res: ServerResponse,
  format: ResponseFormat,
  maxTokens: number,
  logEmissions: LogEmissions,
): ResponseListener {
  const emittedUs: number[] = [];
  const stamp = (count: number): void => {
    const nowUs = machineUs();
    for (let i = 0; i < count; i++) emittedUs.push(nowUs);
  };
  return {
    /** Sends the headers at once, as vLLM does, long before the first token. */
    begin() {
      if (format.contentType === null) res.writeHead(200);
      else res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
      res.flushHeaders();
    },
    tokens(_timeUs, count) {
      const total = emittedUs.length + count;
      const events = format.events(count, total, total === maxTokens);
      const { socket, chunkedEncoding } = res;
      if (socket === null || !chunkedEncoding) {
        stamp(count);
        res.write(events);
        return;
      }
      // The HTTP chunk in one write: Node's `write` makes four, held back until the iteration has served all streams.
      const chunk = `${Buffer.byteLength(events).toString(16)}\r\n${events}\r\n`;
      stamp(count);
      socket.write(chunk);
    },
    end(_timeUs, completion) {
      logEmissions(emittedUs);
      res.end(format.endEvents(emittedUs.length, completion));
    },
    breakOff(status, message) {
      if (format.errorEvents === undefined) res.destroy();
      else res.end(format.errorEvents(status, message));
    },
    abort: () => logEmissions(emittedUs),
  };
}

/** One JSON body after the last token, which is when all tokens are emitted. */
export function jsonResponse(
  res: ServerResponse,
  format: ResponseFormat,
  logEmissions: LogEmissions,
): ResponseListener {
  let total = 0;
  return {
    begin() {},
    tokens(_timeUs, count) {
      total += count;
      format.came?.(count);
    },
    end(_timeUs, completion) {
      const body = format.body(total, completion);
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      logEmissions(Array<number>(total).fill(machineUs()));
      res.end(body);
    },
    breakOff: () => res.destroy(),
    abort: () => logEmissions([]),
  };
}
