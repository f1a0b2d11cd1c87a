import { cellsOf } from '../formats/csv-rows.ts';
import { parseJson } from '../formats/json-lines.ts';
import { Fields } from '../formats/named-rows.ts';
import { atPath, tableForm } from '../formats/table-form.ts';

/** The first lines of a table: the names of its columns, or the paths to its values, and its rows. */
export interface TableSample {
  readonly isJson: boolean;
  readonly names: readonly string[];
  readonly rows: readonly Fields[];
}

/** So many rows tell what a column holds. */
const MOST_ROWS = 100;
const MOST_DEPTH = 4;

export function sampleOf([head = '', ...lines]: readonly string[]): TableSample {
  const form = tableForm(head);
  if (form.kind === 'json') {
    const values = [head, ...lines].slice(0, MOST_ROWS).map(parseJson);
    const names = new Set(values.flatMap((value) => [...pathsOf(value)]));
    return {
      isJson: true,
      names: [...names],
      rows: values.map((value) => new Fields((path) => atPath(value, path), true)),
    };
  }
  const names = cellsOf(head, form.delimiter);
  const lower = names.map((name) => name.toLowerCase());
  const rows = lines.slice(0, MOST_ROWS).map((line) => {
    const cells = cellsOf(line, form.delimiter);
    return new Fields((name) => cells[lower.indexOf(name.toLowerCase())], false);
  });
  return { isJson: false, names, rows };
}

function* pathsOf(value: unknown, before = '', depth = 0): Generator<string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth === MOST_DEPTH) return;
  for (const [key, inner] of Object.entries(value)) {
    const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    if (isObject) yield* pathsOf(inner, `${before}${key}.`, depth + 1);
    else yield before + key;
  }
}
