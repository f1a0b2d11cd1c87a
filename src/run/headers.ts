import { validateHeaderName, validateHeaderValue } from '../core/node-http.ts';
import { messageOf, UserError } from '../core/errors.ts';

/** Headers of the connection: set by a user they would break the call or contradict it. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Headers of every call, from lines `Key: value`, and with the API key from the environment variable `apiKeyEnv`.
 * Throws a UserError that says which option is wrong and quotes nothing of it: a name that is none may be the key itself.
 */
export function readHeaders(lines: readonly string[], apiKeyEnv: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    // It may be a key without its name.
    if (colon < 1) throw new UserError('--header: expected "Key: value"; what is given has no name and a colon');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!isHeaderName(name))
      throw new UserError('--header: what stands before the colon is no name of a header; expected "Key: value"');
    if (OF_THE_CONNECTION.has(name))
      throw new UserError(`--header: "${name}" belongs to the connection, not to the user`);
    headers[name] = checked(name, line.slice(colon + 1).trim(), '--header');
  }
  if (apiKeyEnv === undefined) return headers;
  const key = process.env[apiKeyEnv];
  if (key === undefined || key === '')
    throw new UserError(
      '--api-key-env: expected the name of an environment variable that holds the key, and there is none of the name that is given; is it exported, or is what is given the key itself?',
    );
  return { ...headers, authorization: checked('authorization', `Bearer ${key}`, '--api-key-env') };
}

function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}

function checked(name: string, value: string, option: string): string {
  try {
    validateHeaderValue(name, value);
    return value;
  } catch (thrown) {
    throw new UserError(`${option}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
