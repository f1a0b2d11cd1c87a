import type { Call } from '../src/core/codec.ts';
import type { Request } from '../src/core/request.ts';

/** A POST of JSON whose answer is streamed as server-sent events. */
export function jsonCall(path: string, request: Request, runId: string, json: object): Call {
  return {
    id: 0,
    role: 'stream',
    endpoint: 0,
    path,
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      'x-request-id': requestId(request, runId),
    },
    // Bytes of their own, not of Buffer's pool, so that they can be transferred between threads.
    body: new TextEncoder().encode(JSON.stringify(json)),
  };
}

/** Of what a header may hold; the ids of a trace may be any text. */
export function requestId(request: Request, runId: string): string {
  return `${runId}-${request.id.replaceAll(/[^!-~]/g, '_')}`;
}
