import type { Codec } from '../core/codec.ts';
import type { Request } from '../core/request.ts';
import type { Answer } from '../core/target.ts';
import { WallClock } from '../core/wall-clock.ts';
import { HttpTarget, type ServerAccess } from '../replay/transport.ts';

/** Sends single requests to a server, as a replay would, that are in no record. */
export interface Asker {
  /** Resolves with the end of the answer; rejects with an Error that says how it failed. */
  ask(request: Request): Promise<Answer>;
  close(): Promise<void>;
}

export function openAsker(codec: Codec, server: ServerAccess, timeoutUs: number): Asker {
  const target = new HttpTarget(codec, new WallClock(), server);
  let asked = 0;
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        const index = asked++;
        const timer = setTimeout(() => {
          target.cancel(index);
          reject(new Error(`not finished within ${timeoutUs / 1e6} s`));
        }, timeoutUs / 1000);
        target.send(
          { index, request, calls: codec.open(request) },
          {
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
          },
        );
      }),
    close: () => target.close(),
  };
}
