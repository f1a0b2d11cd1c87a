const SHORTEST = 4;
const HIDDEN = '***';

/** Names of fields whose values are keys, in snake case. */
const KEY_NAME = /(^|_)(key|apikey|token|auth|authorization|secret|passw(or)?d|credentials?|signature|sig)$/;

/** The parts of a request that may hold keys. */
export interface Secretive {
  readonly headers: Readonly<Record<string, string>>;
  /** Those besides the headers: values of the query and the body. */
  readonly secrets?: readonly string[];
}

/** A server's text without what is secret in the request: servers quote the API key that they reject. */
export function withoutSecrets(text: string, { headers, secrets = [] }: Secretive): string {
  return [...secrets, ...Object.values(headers).flatMap((value) => value.split(/\s+/))]
    .filter((word) => word.length >= SHORTEST)
    .toSorted((a, b) => b.length - a.length)
    .reduce((hidden, word) => hidden.replaceAll(word, HIDDEN), text);
}

/** Whether a field of this name holds a key: `api_key`, `hf-token`, `accessToken`, not `max_tokens`. */
function isKeyName(name: string): boolean {
  return KEY_NAME.test(
    name
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_')
      .replaceAll('-', '_')
      .toLowerCase(),
  );
}

/** A JSON value with the texts of fields that hold keys hidden, as files and reports may show it. */
export function withoutKeys(json: unknown, isKey = false): unknown {
  if (typeof json === 'string') return isKey ? HIDDEN : json;
  if (Array.isArray(json)) return json.map((value) => withoutKeys(value, isKey));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, withoutKeys(value, isKey || isKeyName(name))]),
  );
}

/** The texts that `withoutKeys` hides. */
export function keysIn(json: unknown, isKey = false): string[] {
  if (typeof json === 'string') return isKey ? [json] : [];
  if (typeof json !== 'object' || json === null) return [];
  return Object.entries(json).flatMap(([name, value]) =>
    keysIn(value, isKey || (!Array.isArray(json) && isKeyName(name))),
  );
}

/** Behind a name: `=value`, `: Bearer value`, ` "value"`. */
const VALUE = /(["']?\s*[=:]\s*|\s+)("[^"]*"|'[^']*'|(?:(?:bearer|basic|token)\s+)?[^\s"',}]+)/iy;

/** A shell command with the values of what is named as a key hidden, `--api-key ***`, `HF_TOKEN=***`, and queries of URLs. */
export function withoutCommandKeys(command: string): string {
  let shown = '';
  let from = 0;
  for (const { 0: name, index } of command.matchAll(/[\w-]+/g)) {
    if (index < from || !isKeyName(name)) continue;
    VALUE.lastIndex = index + name.length;
    const [whole = '', separator = ''] = VALUE.exec(command) ?? [];
    // A word of its own is a value only behind an option.
    if (whole === '' || (separator.trim() === '' && !name.startsWith('-'))) continue;
    shown += command.slice(from, index) + name + separator + HIDDEN;
    from = index + name.length + whole.length;
  }
  return (shown + command.slice(from)).replaceAll(/[a-z][a-z\d+.-]*:\/\/[^\s"']+/gi, withoutQueryValues);
}

/** Parameters of a query that are known to hold no key. */
const OPEN_PARAMETER = /^(api[-_])?version$/i;

/** A URL, or a text that should be one, with the values of its query hidden: any of them may be a key. */
export function withoutQueryValues(url: string): string {
  const [, head = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/s.exec(url) ?? [];
  const shown = head.replace(/^([a-z][a-z\d+.-]*:\/\/)?[^/@]*@/i, `$1${HIDDEN}@`);
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

/** Longest text of a server in a record or a message, in characters. */
const MAX_QUOTED = 300;
const END_QUOTED = 120;

/**
 * A text as it is quoted: one line of at most 300 characters, without its middle if it is longer, because the reason is
 * at the start of most messages and at the end of a traceback. Secrets are removed before, so that none is cut in two.
 */
export function asQuoted(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= MAX_QUOTED) return line;
  return `${line.slice(0, MAX_QUOTED - END_QUOTED - 5)} ... ${line.slice(-END_QUOTED)}`;
}
