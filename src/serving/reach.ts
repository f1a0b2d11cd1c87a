import { z } from 'zod';
import { didYouMean } from '../core/did-you-mean.ts';
import { EXIT, messageOf, UserError } from '../core/errors.ts';
import { isWholeName, textsFrom } from '../core/outside-text.ts';
import { pathBelow, type ServerAccess } from '../replay/transport.ts';
import { httpOnce } from './http-once.ts';

export const PATIENCE_MS = 5000;

/** A model in a server's list. */
export interface ListedModel {
  readonly id: string;
  /** Longest prompt and output together, where the list has it. */
  readonly contextTokens: number | null;
  /** `owned_by`: vLLM and SGLang put their own name there. */
  readonly owner: string | null;
}

const length = z.int().positive().nullish().catch(null);
const modelList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      owned_by: z.string().nullish().catch(null),
      max_model_len: length,
      context_length: length,
    }),
  ),
});

/** The models that a server lists, if it has a list. Throws a UserError with exit code 3 if no connection can be made. */
export async function reachTarget(access: ServerAccess): Promise<readonly ListedModel[]> {
  const { url } = access;
  try {
    const { status, json, undecoded } = await httpOnce(access, '/v1/models', PATIENCE_MS);
    if (status === 401 || status === 403) throw refusedCredentials(url, status, pathBelow(access, '/v1/models'));
    if (status === 200 && undecoded !== null)
      throw new UserError(
        `${url.href}: its list of models (${pathBelow(access, '/v1/models')}) comes ${undecoded}; is a proxy in between?`,
        { exitCode: EXIT.unreachable },
      );
    const listed = modelList.safeParse(json);
    if (!listed.success) return [];
    return listed.data.data.map(({ id, owned_by, max_model_len, context_length }) => ({
      id,
      contextTokens: max_model_len ?? context_length ?? null,
      owner: owned_by ?? null,
    }));
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    if (isUnreachable(thrown))
      throw new UserError(
        `cannot reach ${url.href}: ${messageOf(thrown)}; is the server running, and is the port right?`,
        { exitCode: EXIT.unreachable, cause: thrown },
      );
    if (isUntrusted(thrown))
      throw new UserError(
        `${url.href}: its certificate is not trusted (${messageOf(thrown)}); --insecure takes any, NODE_EXTRA_CA_CERTS=FILE adds one to trust`,
        { exitCode: EXIT.unreachable, cause: thrown },
      );
    return []; // it is there and has no such page; the probe will show whether it can be used
  }
}

/**
 * The model to ask for: the one that the user names, else the first that the server lists; null where it lists none.
 * Throws a UserError where it does not serve the one that is named, and where the first cannot be sent back as it is kept.
 */
export function modelToAsk(
  access: ServerAccess,
  models: readonly ListedModel[],
  asked: string | null,
): { readonly model: string | null; readonly listed: ListedModel | undefined } {
  const { url } = access;
  const [first] = models;
  if (asked !== null) {
    const name = textsFrom(access).name(asked);
    const listed = models.find(({ id }) => id === name);
    if (listed === undefined && first !== undefined)
      throw new UserError(
        `--model: ${url.href} does not serve "${asked}"${didYouMean(
          asked,
          models.map(({ id }) => id),
        )}`,
      );
    return { model: asked, listed };
  }
  if (first !== undefined && !isWholeName(first.id))
    throw new UserError(
      `${url.href} lists a model whose name is too long, or holds a key that it was sent or a control character: "${first.id}"; name the model with --model`,
      { exitCode: EXIT.unreachable },
    );
  return { model: first?.id ?? null, listed: first };
}

/** A server is there, and wants other credentials, or some. */
export class CredentialsError extends UserError {}

export function refusedCredentials(url: URL, status: number, path: string): CredentialsError {
  return new CredentialsError(
    `${url.href} refuses the credentials (${status} on ${path}); pass them by --api-key-env NAME or --header`,
    { exitCode: EXIT.unreachable },
  );
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

function isUntrusted(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && /CERT|SIGNATURE/.test(String(thrown.code));
}

/** Whether what was thrown says that no connection can be made. */
export function isUnreachable(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.some(isUnreachable);
  return (
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && NO_CONNECTION.has(thrown.code)
  );
}
