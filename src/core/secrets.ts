const SHORTEST = 4;

/** A text of a server's without what its request's headers held: servers quote the key that they refuse. */
export function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  return Object.values(headers)
    .flatMap((value) => value.split(/\s+/))
    .filter((word) => word.length >= SHORTEST)
    .reduce((hidden, word) => hidden.replaceAll(word, '***'), text);
}
