import type { Request } from '../../src/core/request.ts';

/**
 * The same requests session by session, in the order of their first ones; those without a session first. Holds those that
 * have one.
 */
export async function* sessionGroups(requests: AsyncIterable<Request>): AsyncGenerator<Request> {
  const sessions = new Map<string, Request[]>();
  for await (const request of requests) {
    const turns = request.session === undefined ? undefined : sessions.get(request.session);
    if (request.session === undefined) yield request;
    else if (turns === undefined) sessions.set(request.session, [request]);
    else turns.push(request);
  }
  for (const turns of sessions.values()) yield* turns;
}
