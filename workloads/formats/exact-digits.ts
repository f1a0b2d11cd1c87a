import { jsonParts, keyIn } from './json-parts.ts';
import { atPath } from './table-form.ts';

/**
 * A JSON value in which whole numbers beyond 2^53 that stand at one of `paths` are texts of their digits, for as numbers two
 * ids of 64 bits may become one. `text`: what it was parsed from.
 */
export function withExactDigits(value: unknown, text: string, paths: ReadonlySet<string>): unknown {
  for (const path of paths) if (isRounded(atPath(value, path))) return JSON.parse(quoted(text, paths));
  return value;
}

function isRounded(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

const WHOLE = /^(\s*)(-?\d+)(?=\s*[,}\n]|\s*$)/;

/** The text with quotes around such numbers. */
function quoted(text: string, paths: ReadonlySet<string>): string {
  /** The key that stands last in each open bracket; null within a list. */
  const keys: (string | null)[] = [];
  let [found, end] = ['', 0];
  const add = (until: number): void => {
    const between = text.slice(end, until);
    const isAtPath = !keys.includes(null) && paths.has(keys.join('.'));
    found += isAtPath
      ? between.replace(WHOLE, (all, space: string, digits: string) =>
          isRounded(Number(digits)) ? `${space}"${digits}"` : all,
        )
      : between;
  };
  for (const { part, at } of jsonParts(text)) {
    add(at);
    if (part === '{' || part === '[') keys.push(null);
    else if (part === '}' || part === ']') keys.pop();
    else if (part.endsWith(':')) keys[keys.length - 1] = keyIn(part);
    found += part;
    end = at + part.length;
  }
  add(text.length);
  return found;
}
