import type { Summary } from '../../src/schema/summary.ts';
import { csvCell } from './cell.ts';

/**
 * One row a run, one column for each figure of `summary.json`, named by its path there (`latency_ms.ttft.p99`). A null
 * is an empty cell.
 */
export function summaryCsv(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => new Map(leaves('', summary)));
  const found = new Set(rows.flatMap((row) => [...row.keys()]));
  // A figure that is null in one run may be an object in another: its parts have the columns then.
  const columns = [...found].filter((name) => ![...found].some((other) => other.startsWith(`${name}.`)));
  const lines = [columns, ...rows.map((row) => columns.map((name) => row.get(name) ?? ''))];
  return lines.map((cells) => cells.map(csvCell).join(',')).join('\n');
}

function leaves(path: string, value: unknown): [path: string, text: string][] {
  if (value === null || value === undefined) return [[path, '']];
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object') return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    leaves(path === '' ? key : `${path}.${key}`, part),
  );
}
