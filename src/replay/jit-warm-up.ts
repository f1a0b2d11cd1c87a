import { once } from 'node:events';
import { createServer } from '../core/node-http.ts';
import type { Codec } from '../core/codec.ts';
import { openSingleRequests } from './single-requests.ts';
import { usualPath, type ServerAccess } from './transport.ts';

const REQUESTS = 60;
const EVENTS = 40;
const TIMEOUT_US = 10e6;
/** Behind a server-sent event, and between two JSON objects. */
const EVENT_END = /(?<=\n\n)|(?<=\})(?=\{)/;

/**
 * JIT warm-up: sends requests to a server of this process on loopback, so that the first request of a run does not pay
 * for code that has never run (5 ms, measured). The target sees none of it.
 * `endpoints`: those that the codec's calls name; here all of them are this one server, read as they would be.
 */
export async function jitWarmUp(codec: Codec, endpoints: readonly Pick<ServerAccess, 'url'>[]): Promise<void> {
  const events = codec.example(EVENTS).split(EVENT_END);
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const { accept } = request.headers;
      if (codec.exampleReply !== undefined && accept === 'application/json') {
        response.end(codec.exampleReply);
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(event);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port to warm up on');
  const access = { url: new URL(`http://127.0.0.1:${address.port}`), headers: {}, insecure: false };
  const requests = openSingleRequests(
    codec,
    endpoints.map(() => access),
    TIMEOUT_US,
    endpoints.some((endpoint) => usualPath(endpoint) === 'undici') ? 'undici' : 'plain',
  );
  try {
    await requests.open(4);
    for (let i = 0; i < REQUESTS; i++) {
      const request = { id: `warm-up-${i}`, traceRow: 0, dueUs: 0, inputTokens: 64, outputTokens: EVENTS };
      // A faulty codec fails in the run too, which reports it.
      await requests.send(request).catch(() => undefined);
    }
  } finally {
    await requests.close();
    server.close();
  }
}
