import { aligned } from '../../reports/text/table.ts';

/** A title and rows in aligned columns under it. Ends in a newline. */
export function section(title: string, rows: readonly (readonly string[])[]): string {
  return `${[title, ...aligned(rows, 'left').map((line) => `  ${line}`)].join('\n')}\n`;
}
