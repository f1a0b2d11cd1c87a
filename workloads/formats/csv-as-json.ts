import { firstLine, joined } from '../containers/first-line.ts';
import { csvRecords } from './csv-records.ts';
import type { RowContext } from './format.ts';
import { tableForm } from './table-form.ts';

/**
 * CSV with a header as JSON Lines with the same line numbers, for readers of objects: cells are texts, but whole numbers in
 * the columns `numbers`; JSON Lines as they are.
 */
export async function* csvAsJson(
  text: AsyncIterable<string>,
  { path }: Pick<RowContext, 'path'>,
  numbers: readonly string[],
): AsyncGenerator<string> {
  const { first, rest } = await firstLine(text);
  const form = tableForm(first);
  const all = joined(first, rest);
  if (form.kind === 'json') {
    yield* all;
    return;
  }
  let names: readonly string[] | null = null;
  let at = 1;
  for await (const records of csvRecords(path, all, form.delimiter))
    for (const { record, line } of records) {
      if (names === null) {
        names = record;
        continue;
      }
      const row = names.map((name, i) => [name, valueOf(record[i] ?? '', numbers.includes(name))]);
      // Blank lines stand for those that the record before took.
      yield `${'\n'.repeat(Math.max(0, line - at))}${JSON.stringify(Object.fromEntries(row))}\n`;
      at = Math.max(at, line) + 1;
    }
}

function valueOf(cell: string, isNumber: boolean): string | number | null {
  if (cell === '') return null;
  // Tables with empty cells have whole numbers as 12.0.
  return isNumber && /^\d+(?:\.0+)?$/.test(cell) ? Number(cell) : cell;
}
