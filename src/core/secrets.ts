/** What stands in the place of a key. */
export const HIDDEN = '***';
/** Shorter texts cannot be told from other texts, and are not hidden where a server sends them. */
export const SHORTEST_KEY = 8;

/** Names of fields whose values are keys, in snake case. */
const KEY_NAME =
  /(^|_)(keys?|apikeys?|token|auth|authorization|cookie|secret|passw(or)?d|passphrase|pat|credentials?|signature|sig)_?\d*$/;

/** Headers that clients have by themselves, and that hold no key. */
const OPEN_HEADER = /^(accept(-.*)?|content-type|user-agent|cache-control|origin|host)$/;

/** Before credentials: `Bearer KEY`. */
const SCHEME = /^[a-z][\w-]*\s+(?=\S+$)/i;

/**
 * What may be a key in the values of headers: each as a whole, its words (`Bearer KEY`, `session=KEY; path=/`), and what
 * basic authentication is made of. Servers quote the API key that they reject.
 */
export function headerKeys(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name]) => !OPEN_HEADER.test(name.toLowerCase()))
    .flatMap(([, value]) => [value.replace(SCHEME, ''), ...basicWords(value)])
    .flatMap((value) => [value, ...value.split(/[\s,;]+/), ...value.split(/[\s,;:=]+/)]);
}

function basicWords(value: string): string[] {
  const [, encoded] = /^basic\s+(\S+)$/i.exec(value) ?? [];
  return encoded === undefined ? [] : [Buffer.from(encoded, 'base64').toString()];
}

/** Keys in the environment, which a server that is started here inherits. */
export function environmentKeys(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(env).flatMap(([name, value]) => (isKeyName(name) && value !== undefined ? [value] : []));
}

/** Whether a field of this name holds a key: `api_key`, `hf-token`, `accessToken`, not `max_tokens`. */
export function isKeyName(name: string): boolean {
  return KEY_NAME.test(
    name
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_')
      .replaceAll('-', '_')
      .toLowerCase(),
  );
}

/** A text, or a number of as many digits as a key has. */
function isKeyValue(json: unknown): json is string | number {
  return typeof json === 'string' || (typeof json === 'number' && String(json).length >= SHORTEST_KEY);
}

/** A JSON value with the texts and long numbers of fields that hold keys hidden, as files and reports may show it. */
export function withoutKeys(json: unknown, isKey = false): unknown {
  if (isKey && isKeyValue(json)) return HIDDEN;
  if (Array.isArray(json)) return json.map((value) => withoutKeys(value, isKey));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, withoutKeys(value, isKey || isKeyName(name))]),
  );
}

/** The texts that `withoutKeys` hides. */
export function keysIn(json: unknown, isKey = false): string[] {
  if (isKey && isKeyValue(json)) return [String(json)];
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([name, value]) =>
    keysIn(value, isKey || (!Array.isArray(json) && isKeyName(name))),
  );
}

/** Parameters of a query that are known to hold no key. */
const OPEN_PARAMETER = /^(api[-_])?version$/i;

/**
 * A URL, or a text that should be one, with its user, its password and the values of its query hidden: any of them may be
 * a key, and in a text that is no URL a password may hold any sign.
 */
export function withoutQueryValues(url: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)$/is.exec(url) ?? [];
  const [authority = ''] = scheme !== '' && URL.canParse(url) ? (/^[^/?#\\]*/.exec(rest) ?? []) : [rest];
  const hasUser = authority.includes('@');
  const behind = hasUser ? rest.slice(authority.lastIndexOf('@') + 1) : rest;
  const [, head = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/s.exec(behind) ?? [];
  const shown = `${scheme}${hasUser ? `${HIDDEN}@` : ''}${head}`;
  return query === '' ? shown : `${shown}?${parametersOf(query).map(shownParameter).join('&')}`;
}

/** The values that `withoutQueryValues` hides, as they are sent and decoded. */
export function queryValues(query: string): string[] {
  const hidden = parametersOf(query.replace(/^\?/, '')).filter(([name]) => !OPEN_PARAMETER.test(name));
  const decoded = new URLSearchParams(query);
  return [...hidden.map(([name, value]) => value ?? name), ...hidden.flatMap(([name]) => decoded.getAll(name))];
}

type Parameter = readonly [name: string, value: string | null];

function parametersOf(query: string): Parameter[] {
  return query.split('&').map((parameter) => {
    const at = parameter.indexOf('=');
    return at < 0 ? [parameter, null] : [parameter.slice(0, at), parameter.slice(at + 1)];
  });
}

/** A parameter without a value may itself be a key. */
function shownParameter([name, value]: Parameter): string {
  if (value === null) return HIDDEN;
  return `${name}=${OPEN_PARAMETER.test(name) ? value : HIDDEN}`;
}
