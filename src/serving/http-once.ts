import type { Dispatcher } from 'undici';
import { messageOf, UserError } from '../core/errors.ts';
import { stoppedError } from '../core/stop.ts';
import { textsFrom, type OutsideText } from '../core/outside-text.ts';
import { Agent } from '../core/undici.ts';
import { pagePaths, urlAt, urlBelow, type ServerAccess } from '../replay/transport.ts';
import { decodedBody, PLAIN } from './decode-body.ts';
import { readBody, untilJson, type Patience } from './read-body.ts';

/** An answer, with its texts as `OutsideText` gives them. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  /** `content-encoding` and `location`; '' where there is none. */
  readonly encoding: string;
  readonly location: string;
  /** Why the body cannot be decoded by its `content-encoding`, and is as it came; null: it is decoded, or was plain. */
  readonly undecoded: string | null;
  /** The body, as a page. */
  readonly text: string;
  /** The body parsed as JSON; undefined where it is none. */
  readonly json: unknown;
}

interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

type Sent = { readonly method: 'GET' | 'OPTIONS' } | (Post & { readonly method: 'POST' });

const sentBy = (post: Post | undefined): Sent => (post === undefined ? { method: 'GET' } : { method: 'POST', ...post });

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
  access: ServerAccess,
  patienceMs: number,
  post?: Post,
  patienceOf: (status: number) => Patience = untilJson,
): Promise<Reply> {
  const texts = textsFrom(access);
  return ask(url, access, patienceMs, sentBy(post), async ({ statusCode, headers, body }) => {
    const encoding = texts.name(String(headers['content-encoding'] ?? ''));
    const { bytes, undecoded } = decodedOrNot(await readBody(body, patienceOf(statusCode)), encoding);
    return {
      status: statusCode,
      contentType: texts.name(String(headers['content-type'] ?? 'none')),
      encoding,
      location: texts.name(String(headers['location'] ?? '')),
      undecoded,
      get text() {
        return texts.page(bytes.toString());
      },
      get json() {
        return jsonOf(bytes, texts);
      },
    };
  });
}

function decodedOrNot(bytes: Buffer, encoding: string): { readonly bytes: Buffer; readonly undecoded: string | null } {
  try {
    return { bytes: decodedBody(bytes, encoding), undecoded: null };
  } catch (thrown) {
    return { bytes, undecoded: messageOf(thrown) };
  }
}

function jsonOf(bytes: Buffer, texts: OutsideText): unknown {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  return texts.json(json);
}

/** The status of an answer, whose body is not awaited. Throws as `httpOnce`. */
export function statusOnce(url: URL, access: ServerAccess, patienceMs: number, post?: Post): Promise<number> {
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

/** Headers belong to the origin of their server: a URL of another origin is asked without them. */
async function ask<T>(
  url: URL,
  access: ServerAccess,
  patienceMs: number,
  sent: Sent,
  use: (reply: Dispatcher.ResponseData) => Promise<T>,
): Promise<T> {
  const { insecure, stop } = access;
  const headers = { ...PLAIN, ...(url.origin === access.url.origin ? access.headers : {}) };
  const patience = AbortSignal.timeout(patienceMs);
  const agent = new Agent({ connect: { rejectUnauthorized: !insecure, timeout: patienceMs } });
  try {
    const reply = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: sent.method,
      headers: sent.method === 'POST' ? { ...headers, ...sent.headers } : headers,
      body: sent.method === 'POST' ? sent.body : null,
      signal: stop === undefined ? patience : AbortSignal.any([patience, stop]),
    });
    reply.body.on('error', () => undefined); // of a body that is not read
    return await use(reply);
  } catch (thrown) {
    if (stop?.aborted === true) throw stoppedError(stop);
    if (!(thrown instanceof Error && thrown.name === 'TimeoutError')) throw heardError(thrown, textsFrom(access));
    throw new NoAnswerError(`no answer within ${patienceMs / 1000} s`, { cause: thrown });
  } finally {
    await agent.destroy();
  }
}

/** An error of the network: its message may quote the server, such as the names in its certificate. */
function heardError(thrown: unknown, texts: OutsideText): unknown {
  if (thrown instanceof AggregateError) thrown.errors.forEach((each) => heardError(each, texts));
  if (!(thrown instanceof Error) || thrown instanceof UserError) return thrown;
  const heard = texts.quoted(thrown.message);
  // The message of an exception of the DOM, such as that of a limit of time, cannot be set.
  if (heard === thrown.message) return thrown;
  thrown.message = heard;
  thrown.stack = `${thrown.name}: ${heard}`;
  return thrown;
}

/** The JSON of a page about the server; null where there is no such page, no JSON, or no answer. */
export async function getJson(access: ServerAccess, route: string, patienceMs: number): Promise<unknown> {
  try {
    for (const path of pagePaths(access, route)) {
      const { status, json } = await httpOnceTo(urlAt(access, path), access, patienceMs);
      if (status !== 404) return status === 200 ? (json ?? null) : null;
    }
    return null;
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown; // stopped
    return null;
  }
}
