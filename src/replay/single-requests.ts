import type { Codec } from '../core/codec.ts';
import type { Request } from '../core/request.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import { stoppedError, unlessStopped } from '../core/stop.ts';
import { withAftermath, type ResponseInfo } from '../core/target.ts';
import { WallClock } from '../core/wall-clock.ts';
import { HttpTarget, type HttpPath, type ServerAccess } from './transport.ts';

/** Sends single requests as a replay would, without records. */
export interface SingleRequests {
  /** Opens so many connections ahead, as a replay does. */
  open(connections: number): Promise<void>;
  /** Resolves when the request has ended, with any outcome. Rejects with a fault of Reprise, or when stopped. */
  send(request: Request): Promise<SingleResult>;
  /** Gives up what has not ended. */
  close(): Promise<void>;
}

type SingleResult =
  | { readonly kind: 'answered'; readonly response: ResponseInfo }
  | { readonly kind: 'failed'; readonly why: string };

function failed(why: string, response: ResponseInfo | null): SingleResult {
  return { kind: 'failed', why: withAftermath(why, response) };
}

/** `endpoints`: the endpoints of the codec's calls, by position. */
export function openSingleRequests(
  codec: Codec,
  endpoints: readonly ServerAccess[],
  timeoutUs: number,
  path?: HttpPath,
): SingleRequests {
  const target = new HttpTarget(codec, new WallClock(), endpoints, path === undefined ? {} : { path });
  const timers = new Set<NodeJS.Timeout>();
  let sent = 0;
  const send = (request: Request): Promise<SingleResult> =>
    new Promise((resolve, reject) => {
      const index = sent++;
      const timer = setTimeout(() => {
        const response = target.cancel(index);
        settle(failed(`not finished within ${timeoutUs / 1e6} s`, response));
      }, timeoutUs / 1000);
      timers.add(timer);
      const over = (): void => {
        clearTimeout(timer);
        timers.delete(timer);
      };
      const settle = (result: SingleResult): void => {
        over();
        resolve(result);
      };
      const fault = (thrown: unknown): void => {
        over();
        reject(thrown);
      };
      try {
        target.send(scheduledByTrace(index, request, codec.open(request)), {
          sent: () => undefined,
          tokens: () => undefined,
          end: (_index, _timeUs, response) => settle({ kind: 'answered', response }),
          fail: (_index, _timeUs, outcome, error, response) =>
            settle(failed(`${outcome.replaceAll('_', ' ')}: ${error}`, response)),
          fault: (_index, thrown) => fault(thrown),
        });
      } catch (thrown) {
        fault(thrown);
      }
    });
  const stop = endpoints[0]?.stop;
  return {
    open: (connections) => target.open(connections),
    send: async (request) => {
      if (stop === undefined) return send(request);
      if (stop.aborted) throw stoppedError(stop);
      return unlessStopped(send(request), stop);
    },
    close: () => {
      timers.forEach(clearTimeout);
      return target.close();
    },
  };
}
