import type { Codec } from '../core/codec.ts';
import type { Request } from '../core/request.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import type { ResponseInfo } from '../core/target.ts';
import { WallClock } from '../core/wall-clock.ts';
import { HttpTarget, type ServerAccess } from '../replay/transport.ts';

/** Sends single requests to a server, as a replay would, that are in no record. */
export interface SingleRequests {
  /** Resolves with the end of the answer; rejects with an Error that says how it failed. */
  send(request: Request): Promise<ResponseInfo>;
  close(): Promise<void>;
}

export function openSingleRequests(codec: Codec, server: ServerAccess, timeoutUs: number): SingleRequests {
  const target = new HttpTarget(codec, new WallClock(), [server]);
  let asked = 0;
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        const index = asked++;
        const timer = setTimeout(() => {
          target.cancel(index);
          reject(new Error(`not finished within ${timeoutUs / 1e6} s`));
        }, timeoutUs / 1000);
        target.send(scheduledByTrace(index, request, codec.open(request)), {
          sent: () => undefined,
          tokens: () => undefined,
          end: (_index, _timeUs, answer) => {
            clearTimeout(timer);
            resolve(answer);
          },
          fail: (_index, _timeUs, outcome, error) => {
            clearTimeout(timer);
            reject(new Error(`${outcome.replaceAll('_', ' ')}: ${error}`));
          },
          fault: (_index, thrown) => {
            clearTimeout(timer);
            reject(thrown);
          },
        });
      }),
    close: () => target.close(),
  };
}
