import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Codec } from '../core/codec.ts';
import { scheduledByTrace } from '../core/schedule.ts';
import type { Sink } from '../core/target.ts';
import { WallClock } from '../core/wall-clock.ts';
import { HttpTarget } from './transport.ts';

const REQUESTS = 60;
const EVENTS = 40;

/**
 * Sends requests to a server of our own on loopback, so that the first request of a run does not pay for code that
 * was never run before (5 ms, measured). The target sees nothing of it.
 */
export async function jitWarmUp(codec: Codec): Promise<void> {
  const events = codec.example(EVENTS).split('\n\n').slice(0, -1);
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(`${event}\n\n`);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to warm up on');
  const access = { url: new URL(`http://127.0.0.1:${address.port}`), headers: {}, insecure: false };
  const target = new HttpTarget(codec, new WallClock(), [access]);
  try {
    await target.open(4);
    for (let index = 0; index < REQUESTS; index++) await exchange(target, codec, index);
  } finally {
    await target.close();
    server.close();
  }
}

function exchange(target: HttpTarget, codec: Codec, index: number): Promise<void> {
  const request = { id: `warm-up-${index}`, traceRow: 0, dueUs: 0, inputTokens: 64, outputTokens: EVENTS };
  return new Promise((resolve) => {
    const sink: Sink = {
      sent: () => undefined,
      tokens: () => undefined,
      end: () => resolve(),
      fail: () => resolve(),
      fault: () => resolve(),
    };
    target.send(scheduledByTrace(index, request, codec.open(request)), sink);
  });
}
