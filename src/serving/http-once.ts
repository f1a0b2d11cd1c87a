import { Agent, request } from 'undici';
import { UserError } from '../core/errors.ts';
import { stoppedError } from '../core/stop.ts';
import { urlBelow, type ServerAccess } from '../replay/transport.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** More than any page that is read here; the rest of a larger one is not read. */
const MAX_BYTES = 16 * 1024 ** 2;

interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One request to a path below the server's URL. */
export function httpOnce(access: ServerAccess, path: string, patienceMs: number, post?: Post): Promise<Reply> {
  return httpOnceTo(urlBelow(access.url, path), access, patienceMs, post);
}

/** One request, its answer read whole. Throws when none has come within `patienceMs`, and once it is stopped. */
export async function httpOnceTo(
  url: URL,
  { headers, insecure, stop }: Omit<ServerAccess, 'url'>,
  patienceMs: number,
  post?: Post,
): Promise<Reply> {
  const patience = AbortSignal.timeout(patienceMs);
  const agent = new Agent({ connect: { rejectUnauthorized: !insecure } });
  try {
    const reply = await request(url, {
      method: post === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...post?.headers },
      body: post?.body ?? null,
      signal: stop === undefined ? patience : AbortSignal.any([patience, stop]),
      dispatcher: agent,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of reply.body) {
      if (!Buffer.isBuffer(chunk)) continue;
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_BYTES) break;
    }
    const type = reply.headers['content-type'];
    return { status: reply.statusCode, contentType: String(type ?? 'none'), body: Buffer.concat(chunks) };
  } catch (thrown) {
    throw stop?.aborted === true ? stoppedError(stop) : thrown;
  } finally {
    await agent.destroy();
  }
}

/** The JSON of a GET; null where there is no such page, no JSON, or no answer. */
export async function getJson(access: ServerAccess, path: string, patienceMs: number): Promise<unknown> {
  try {
    const { status, body } = await httpOnce(access, path, patienceMs);
    return status === 200 ? JSON.parse(body.toString()) : null;
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    return null;
  }
}
