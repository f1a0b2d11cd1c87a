import { Agent, request, type Dispatcher } from 'undici';
import { UserError } from '../core/errors.ts';
import { stoppedError } from '../core/stop.ts';
import { pagePaths, urlBelow, type ServerAccess } from '../replay/transport.ts';
import { readBody, untilJson, type Patience } from './read-body.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  /** `content-encoding` and `location`; '' where there is none. */
  readonly encoding: string;
  readonly location: string;
  readonly body: Buffer;
}

interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

type Sent = { readonly method: 'GET' | 'OPTIONS' } | (Post & { readonly method: 'POST' });

const sentBy = (post: Post | undefined): Sent => (post === undefined ? { method: 'GET' } : { method: 'POST', ...post });

type Access = Omit<ServerAccess, 'url'>;

/** No answer, or no end of it, within the time that was given. */
export class NoAnswerError extends Error {
  override name = 'NoAnswerError';
  readonly code = 'NO_ANSWER';
}

/**
 * One request to a path below the server's URL, its answer read whole. Throws a NoAnswerError when it has not ended within
 * `patienceMs`, what the network throws, and `stoppedError` once it is stopped.
 * `patienceOf`: when the body of an answer with a status is over, if not at its own end; else one JSON value is enough.
 */
export function httpOnce(
  access: ServerAccess,
  path: string,
  patienceMs: number,
  post?: Post,
  patienceOf: (status: number) => Patience = untilJson,
): Promise<Reply> {
  return httpOnceTo(urlBelow(access, path), access, patienceMs, post, patienceOf);
}

/** The same to a URL. */
function httpOnceTo(
  url: URL,
  access: Access,
  patienceMs: number,
  post?: Post,
  patienceOf: (status: number) => Patience = untilJson,
): Promise<Reply> {
  return ask(url, access, patienceMs, sentBy(post), async ({ statusCode, headers, body }) => ({
    status: statusCode,
    contentType: String(headers['content-type'] ?? 'none'),
    encoding: String(headers['content-encoding'] ?? ''),
    location: String(headers['location'] ?? ''),
    body: await readBody(body, patienceOf(statusCode)),
  }));
}

/** The status of an answer, whose body is not awaited. Throws as `httpOnce`. */
export function statusOnce(url: URL, access: Access, patienceMs: number, post?: Post): Promise<number> {
  return ask(url, access, patienceMs, sentBy(post), async ({ statusCode }) => statusCode);
}

/**
 * Which methods a route takes, asked without calling it; null where the answer does not tell. None: there is no such route.
 */
export function methodsOf(access: ServerAccess, route: string, patienceMs: number): Promise<readonly string[] | null> {
  return ask(urlBelow(access, route), access, patienceMs, { method: 'OPTIONS' }, async ({ statusCode, headers }) => {
    if (statusCode === 404) return [];
    const allowed = headers['allow'] ?? '';
    return allowed === ''
      ? null
      : String(allowed)
          .toUpperCase()
          .split(/\s*,\s*/);
  });
}

async function ask<T>(
  url: URL,
  { headers, insecure, stop }: Access,
  patienceMs: number,
  sent: Sent,
  use: (reply: Dispatcher.ResponseData) => Promise<T>,
): Promise<T> {
  const patience = AbortSignal.timeout(patienceMs);
  const agent = new Agent({ connect: { rejectUnauthorized: !insecure, timeout: patienceMs } });
  try {
    const reply = await request(url, {
      method: sent.method,
      headers: sent.method === 'POST' ? { ...headers, ...sent.headers } : headers,
      body: sent.method === 'POST' ? sent.body : null,
      signal: stop === undefined ? patience : AbortSignal.any([patience, stop]),
      dispatcher: agent,
    });
    reply.body.on('error', () => undefined); // of a body that is not read
    return await use(reply);
  } catch (thrown) {
    if (stop?.aborted === true) throw stoppedError(stop);
    if (!(thrown instanceof Error && thrown.name === 'TimeoutError')) throw thrown;
    throw new NoAnswerError(`no answer within ${patienceMs / 1000} s`, { cause: thrown });
  } finally {
    await agent.destroy();
  }
}

/** The JSON of a page about the server; null where there is no such page, no JSON, or no answer. */
export async function getJson(access: ServerAccess, route: string, patienceMs: number): Promise<unknown> {
  try {
    for (const path of pagePaths(access, route)) {
      const { status, body } = await httpOnceTo(new URL(path, access.url), access, patienceMs);
      if (status !== 404) return status === 200 ? JSON.parse(body.toString()) : null;
    }
    return null;
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown; // stopped
    return null;
  }
}
