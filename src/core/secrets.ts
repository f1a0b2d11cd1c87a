const SHORTEST = 4;

/** A server's text without the values of the request's headers: servers quote the API key that they reject. */
export function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  return Object.values(headers)
    .flatMap((value) => value.split(/\s+/))
    .filter((word) => word.length >= SHORTEST)
    .reduce((hidden, word) => hidden.replaceAll(word, '***'), text);
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
