/** The fields that are neither null nor undefined. */
export type Given<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** An object with the fields of another that are neither null nor undefined. */
export function given<T extends object>(fields: T): Given<T> {
  const found: Given<T> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== null && value !== undefined) found[name] = value;
  }
  return found;
}
