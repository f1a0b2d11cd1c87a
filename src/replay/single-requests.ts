import type { Codec } from '../core/codec.ts';
import type { Request } from '../core/request.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import type { ResponseInfo } from '../core/target.ts';
import { WallClock } from '../core/wall-clock.ts';
import { HttpTarget, type ServerAccess } from './transport.ts';

/** Sends single requests as a replay would, without records. */
export interface SingleRequests {
  /** Opens so many connections ahead, as a replay does. */
  open(connections: number): Promise<void>;
  /** Resolves when the request has ended, with any outcome. Rejects only with a fault of Reprise. */
  send(request: Request): Promise<SingleResult>;
  close(): Promise<void>;
}

type SingleResult =
  | { readonly kind: 'answered'; readonly response: ResponseInfo }
  | { readonly kind: 'failed'; readonly why: string };

/** `endpoints`: the endpoints of the codec's calls, by position. */
export function openSingleRequests(
  codec: Codec,
  endpoints: readonly ServerAccess[],
  timeoutUs: number,
): SingleRequests {
  const target = new HttpTarget(codec, new WallClock(), endpoints);
  let sent = 0;
  return {
    open: (connections) => target.open(connections),
    send: (request) =>
      new Promise((resolve, reject) => {
        const index = sent++;
        const timer = setTimeout(() => {
          target.cancel(index);
          resolve({ kind: 'failed', why: `not finished within ${timeoutUs / 1e6} s` });
        }, timeoutUs / 1000);
        const settle = (result: SingleResult): void => {
          clearTimeout(timer);
          resolve(result);
        };
        const fault = (thrown: unknown): void => {
          clearTimeout(timer);
          reject(thrown);
        };
        try {
          target.send(scheduledByTrace(index, request, codec.open(request)), {
            sent: () => undefined,
            tokens: () => undefined,
            end: (_index, _timeUs, response) => settle({ kind: 'answered', response }),
            fail: (_index, _timeUs, outcome, error) =>
              settle({ kind: 'failed', why: `${outcome.replaceAll('_', ' ')}: ${error}` }),
            fault: (_index, thrown) => fault(thrown),
          });
        } catch (thrown) {
          fault(thrown);
        }
      }),
    close: () => target.close(),
  };
}
