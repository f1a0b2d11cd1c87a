import { z } from 'zod';
import { faultName, MAX_ROW_TOKENS } from './faults.ts';
import { timeHint } from './fields.ts';
import { notUsed, type RowContext } from './format.ts';

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
  const keys = Object.keys(fields);
  for await (const { lines, isCut } of lineBatches(text))
    for (const content of lines) {
      line++;
      if (content.trim() === '' || left-- > 0) continue;
      const value = parseJson(content);
      if (rows.keys !== undefined) addKeys(rows.keys, value);
      const found = schema.safeParse(value);
      const twice = hasMoreKeys(content, value) ? keys.find((key) => standsTwice(content, key)) : undefined;
      if (twice !== undefined)
        rows.bad({ line, column: null, message: `duplicate_key: ${twice} stands twice in the line, expected once` });
      else if (found.success) yield { line, row: found.data };
      else {
        const cut = isCut && value === undefined ? 'truncated_last_line: the file ends in the middle of a line: ' : '';
        rows.bad({ line, column: null, message: cut + describe(found.error, value, content, fields) });
      }
    }
}

/** Whether the text has more colons than its object has keys, as a key that stands twice makes it; few other rows have. */
function hasMoreKeys(content: string, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  let left = Object.keys(value).length;
  for (let at = content.indexOf(':'); at !== -1; at = content.indexOf(':', at + 1)) if (--left < 0) return true;
  return false;
}

/** Whether a key stands twice in an object: of the two, `JSON.parse` takes the last without a word. */
function standsTwice(content: string, key: string): boolean {
  const quoted = `"${key}"`;
  const first = content.indexOf(quoted);
  if (first === -1 || !content.includes(quoted, first + 1)) return false;
  // It may stand in a nested object or be a text: then it is not a key of the row any more where one was renamed.
  const other = `${key} `;
  const keys = keysOf(`${content.slice(0, first)}"${other}"${content.slice(first + quoted.length)}`);
  return keys.includes(key) && keys.includes(other);
}

/** More different keys than this are data, not names. */
const MOST_KEYS = 1000;

/** A row in the middle of a trace may be the first with a key that matters. */
function addKeys(keys: Set<string>, value: unknown): void {
  if (keys.size < MOST_KEYS) for (const key of keysOfValue(value)) keys.add(key);
}

/** Names the keys of the rows that their reader leaves out. */
export function jsonNotes(keys: ReadonlySet<string>, used: readonly string[]): string[] {
  return notUsed(
    'keys',
    [...keys].filter((key) => !used.includes(key)),
  );
}

/** Keys of the object in a line; none where it holds no object. */
export function keysOf(line: string): string[] {
  return keysOfValue(parseJson(line));
}

function keysOfValue(value: unknown): string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
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
  const hint = field.kind === 'time' ? timeHint(String(found)) : '';
  return `${fault}${name} is ${shown}, expected ${field.expected}${hint}`;
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
