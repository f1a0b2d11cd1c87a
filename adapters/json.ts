export type Json = Readonly<Record<string, unknown>>;

/** Narrowing of parsed JSON by hand: in the token path a schema library costs more than the parse. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** No text has more tokens: a larger count is a fault, and each token that is counted takes memory. */
export const MOST_TOKENS = 2 ** 24;

/** A count of tokens at `key`; null where there is none. */
export function tokensAt(value: unknown, key: string): number | null {
  const found = numberAt(value, key);
  return found === null || found > MOST_TOKENS ? null : found;
}

/** A number from 0 at `key`; null where there is none. */
export function numberAt(value: unknown, key: string): number | null {
  const found = isObject(value) ? value[key] : null;
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : null;
}

export function textAt(value: unknown, key: string): string | null {
  const found = isObject(value) ? value[key] : null;
  return typeof found === 'string' ? found : null;
}
