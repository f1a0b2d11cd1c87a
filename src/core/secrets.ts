const SHORTEST = 4;

/** A server's text without the values of the request's headers: servers quote the API key that they reject. */
export function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  return Object.values(headers)
    .flatMap((value) => value.split(/\s+/))
    .filter((word) => word.length >= SHORTEST)
    .reduce((hidden, word) => hidden.replaceAll(word, '***'), text);
}
