import type { Delimiter } from './csv-records.ts';

/** How the lines of a table are written. */
export type TableForm = { readonly kind: 'json' } | { readonly kind: 'csv'; readonly delimiter: Delimiter };

/** By a table's first line: of CSV the delimiter that stands in it most often. */
export function tableForm(head: string): TableForm {
  if (/^\uFEFF?\s*\{/.test(head)) return { kind: 'json' };
  const bare = head.replaceAll(/"(?:[^"]|"")*"/g, '');
  const count = (delimiter: Delimiter): number => bare.split(delimiter).length;
  const delimiter = ([',', ';', '\t'] as const).reduce((most, each) => (count(each) > count(most) ? each : most));
  return { kind: 'csv', delimiter };
}

/**
 * What stands at a path through objects (`usage.prompt_tokens`); undefined where nothing does. A key may have points of its
 * own: `gen_ai.usage.input_tokens` is one key, or several within each other.
 */
export function atPath(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, path)) return Reflect.get(value, path);
  for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1)) {
    const found = atPath(ownValue(value, path.slice(0, dot)), path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function ownValue(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
