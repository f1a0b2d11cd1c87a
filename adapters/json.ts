/** Narrowing of parsed JSON by hand: in the token path a schema library costs more than the parse. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A count at `key`; null where there is none. */
export function numberAt(value: unknown, key: string): number | null {
  const found = isObject(value) ? value[key] : null;
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : null;
}

export function textAt(value: unknown, key: string): string | null {
  const found = isObject(value) ? value[key] : null;
  return typeof found === 'string' ? found : null;
}
