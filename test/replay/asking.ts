import assert from 'node:assert/strict';
import type { Codec } from '../../src/core/codec.ts';
import type { Outcome } from '../../src/core/record.ts';
import { scheduledByTrace } from '../../src/core/schedule.ts';
import type { ResponseInfo, Sink } from '../../src/core/target.ts';
import { WallClock } from '../../src/core/wall-clock.ts';
import type { ConnectionMode } from '../../src/replay/connections.ts';
import { HttpTarget, type HttpPath } from '../../src/replay/transport.ts';

/** One request as it ended; times are from its start. */
interface Ended {
  readonly outcome: Outcome;
  readonly error: string | null;
  readonly tokens: number;
  readonly sent: number;
  readonly connectUs: number | null;
  readonly endMs: number;
  readonly answer: ResponseInfo | null;
}

export interface Asking {
  readonly target: HttpTarget;
  readonly ask: (index: number) => Promise<Ended>;
}

/** A target on one server or several, and a way to send one request, for four tokens, and learn how it ended. */
export function asking(
  urls: URL | readonly URL[],
  codec: Codec,
  connections: ConnectionMode = 'reuse',
  path?: HttpPath,
): Asking {
  const headers = { 'x-extra': 'yes', 'x-key': 'Key a-secret' };
  const clock = new WallClock();
  const endpoints = (urls instanceof URL ? [urls] : urls).map((url, i, { length }) => ({
    url,
    headers,
    insecure: false,
    connections,
    ...(length === 1 ? {} : { name: `server ${i}` }),
  }));
  const target = new HttpTarget(codec, clock, endpoints, path === undefined ? {} : { path });
  const waiting = new Map<number, { tokens: number; sent: number; connectUs: number | null; settle: Settle }>();
  type Settle = (timeUs: number, how: Pick<Ended, 'outcome' | 'error' | 'answer'>) => void;
  const open = (index: number, what: string) => waiting.get(index) ?? assert.fail(`${what} after the end`);
  const finish = (index: number, timeUs: number, how: Pick<Ended, 'outcome' | 'error' | 'answer'>): void => {
    const { settle } = open(index, 'a second end');
    waiting.delete(index);
    settle(timeUs, how);
  };
  const sink: Sink = {
    sent: (index, _time, connectUs) => {
      open(index, 'sent').sent++;
      open(index, 'sent').connectUs = connectUs;
    },
    tokens: (index, _time, count) => void (open(index, 'a token').tokens += count),
    end: (index, timeUs, answer) => finish(index, timeUs, { outcome: 'ok', error: null, answer }),
    fail: (index, timeUs, outcome, error, answer) => finish(index, timeUs, { outcome, error, answer }),
    fault: (_index, error) => {
      throw error;
    },
  };
  const ask = (index: number): Promise<Ended> =>
    new Promise((resolve) => {
      const startUs = clock.read();
      const state = {
        tokens: 0,
        sent: 0,
        connectUs: null,
        settle: (timeUs: number, how: Pick<Ended, 'outcome' | 'error' | 'answer'>) =>
          resolve({ ...how, ...counts(), endMs: (timeUs - startUs) / 1000 }),
      };
      const counts = () => ({ tokens: state.tokens, sent: state.sent, connectUs: state.connectUs });
      waiting.set(index, state);
      const request = { id: `r${index}`, traceRow: 1, dueUs: 0, inputTokens: 3, outputTokens: 4 };
      target.send(scheduledByTrace(index, request, codec.open(request)), sink);
    });
  return { target, ask };
}
