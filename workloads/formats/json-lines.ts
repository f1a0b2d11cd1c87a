import { z } from 'zod';
import { faultName, MAX_ROW_TOKENS } from './faults.ts';
import type { RowContext } from './format.ts';

export const length = z.int().min(1).max(MAX_ROW_TOKENS);

/** What a field has to be, for messages; `kind` names its faults. */
export interface FieldExpectation {
  readonly kind?: 'time' | 'length';
  readonly expected: string;
}

export interface JsonRow<T> {
  readonly line: number;
  readonly row: T;
}

/**
 * The rows of a JSON Lines file that fit a schema, with their lines; what does not fit is given to `rows.bad`. Blank
 * lines, CRLF and a byte order mark are fine. `skip`: lines before the first row, blank ones not counted.
 */
export async function* jsonRows<T>(
  text: AsyncIterable<string>,
  rows: RowContext,
  schema: z.ZodType<T>,
  fields: Readonly<Record<string, FieldExpectation>>,
  skip = 0,
): AsyncGenerator<JsonRow<T>> {
  let line = 0;
  let left = skip;
  for await (const { lines, isCut } of lineBatches(text))
    for (const content of lines) {
      line++;
      if (content.trim() === '' || left-- > 0) continue;
      const value = parseJson(content);
      const found = schema.safeParse(value);
      if (found.success) yield { line, row: found.data };
      else {
        const cut = isCut && value === undefined ? 'truncated_last_line: the file ends in the middle of a line: ' : '';
        rows.bad({ line, column: null, message: cut + describe(found.error, value, content, fields) });
      }
    }
}

/** The value, or undefined when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first thing that is wrong with a row: what was found and what was expected. */
function describe(
  error: z.ZodError,
  value: unknown,
  content: string,
  fields: Readonly<Record<string, FieldExpectation>>,
): string {
  const start = content.slice(0, 80);
  if (value === undefined)
    return /:\s*(?:NaN|-?Infinity)\b/.test(content)
      ? `nan: the line holds NaN or Infinity, expected JSON with finite numbers: ${start}`
      : `the line is not JSON: ${start}`;
  const name = String(error.issues[0]?.path[0]);
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field === undefined || typeof value !== 'object' || value === null)
    return `the line is ${start}, expected an object with ${Object.keys(fields)
      .filter((key) => fields[key]?.kind !== undefined)
      .join(', ')}`;
  const found: unknown = Object.entries(value).find(([key]) => key === name)?.[1];
  const shown = found === undefined ? 'missing' : JSON.stringify(found).slice(0, 80);
  const fault = field.kind === undefined ? '' : faultName(field.kind, found);
  return `${fault}${name} is ${shown}, expected ${field.expected}`;
}

/** Lines without their ends, those of a chunk together; a last line that nothing ends comes alone, as cut. */
async function* lineBatches(text: AsyncIterable<string>): AsyncGenerator<{ lines: string[]; isCut: boolean }> {
  const clean = (line: string): string => line.replace(/^\uFEFF/, '').replace(/\r$/, '');
  let rest = '';
  for await (const chunk of text) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    yield { lines: parts.map(clean), isCut: false };
  }
  if (rest !== '') yield { lines: [clean(rest)], isCut: true };
}
