import { request } from 'undici';
import { z } from 'zod';
import { EXIT, messageOf, UserError } from '../core/errors.ts';

const PATIENCE_MS = 5000;
const modelList = z.looseObject({ data: z.array(z.looseObject({ id: z.string() })) });

/**
 * Whether something answers at `url`, and the models it lists (none if it lists none). Throws a UserError with exit
 * code 3 if no connection can be made, before anything else is done.
 */
export async function reachTarget(url: URL, headers: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const path = `${url.pathname.replace(/\/$/, '')}/v1/models`;
  try {
    const reply = await request(new URL(path, url), { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    const body = await reply.body.text();
    if (reply.statusCode === 401 || reply.statusCode === 403)
      throw new UserError(`${url.href} refuses the credentials (${reply.statusCode} on ${path})`, {
        exitCode: EXIT.unreachable,
      });
    const listed = modelList.safeParse(parseJson(body));
    return listed.success ? listed.data.data.map((model) => model.id) : [];
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    if (isUnreachable(thrown))
      throw new UserError(
        `cannot reach ${url.href}: ${messageOf(thrown)}; is the server running, and is the port right?`,
        {
          exitCode: EXIT.unreachable,
          cause: thrown,
        },
      );
    return []; // it is there, but does not answer this: the run will tell
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const NO_CONNECTION: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function isUnreachable(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.some(isUnreachable);
  return (
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && NO_CONNECTION.has(thrown.code)
  );
}
