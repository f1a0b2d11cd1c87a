import { z } from 'zod';
import { UserError } from '../../src/core/errors.ts';
import { withExactDigits } from './exact-digits.ts';
import { faultName, MAX_ROW_TOKENS } from './faults.ts';
import { timeHint } from './fields.ts';
import { badRowText, notUsed, quoted, type BadRow, type RowContext } from './format.ts';
import { jsonParts, keyIn } from './json-parts.ts';

export const length = z.int().min(1).max(MAX_ROW_TOKENS);
export const count = z.int().nonnegative().max(MAX_ROW_TOKENS);

/** Ids of prefix blocks. One check of all: a row may have a million, and one fault names as much as a million do. */
export const blockIds = z.custom<readonly number[]>(
  (value) => Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 0),
);

/** Longest text of a row in characters. */
const MOST_CHARACTERS = 1024;
export const TEXT_EXPECTED = `a text of 1 to ${MOST_CHARACTERS} characters`;

/** A name that something has in a trace. Halves of a pair of surrogates would all be written as the same character. */
export const nameText = z
  .string()
  .min(1)
  .max(MOST_CHARACTERS)
  .refine((value) => value.isWellFormed());

/** What a field has to be, for messages; `kind` names its faults. */
export interface FieldExpectation {
  readonly kind?: 'time' | 'length';
  /** Another name of the field; its first name wins where a row has both. */
  readonly also?: string;
  readonly expected: string;
}

export interface JsonRow<T> {
  readonly line: number;
  readonly row: T;
}

/** The names of fields, other names included. */
export function fieldNames(fields: Readonly<Record<string, FieldExpectation>>): string[] {
  return Object.entries(fields).flatMap(([name, { also }]) => (also === undefined ? [name] : [name, also]));
}

/** A schema that finds fields by their other names too. */
export function byAnyName<T>(schema: z.ZodType<T>, fields: Readonly<Record<string, FieldExpectation>>): z.ZodType<T> {
  const others = Object.entries(fields).flatMap(([name, { also }]) => (also === undefined ? [] : [{ name, also }]));
  return z.preprocess((value) => {
    if (typeof value !== 'object' || value === null) return value;
    const found = new Map<string, unknown>(Object.entries(value));
    const renamed = others.filter(({ name, also }) => (found.get(name) ?? null) === null && found.has(also));
    return renamed.length === 0
      ? value
      : { ...value, ...Object.fromEntries(renamed.map(({ name, also }) => [name, found.get(also)])) };
  }, schema);
}

/** A line of a JSON Lines file; `value`: undefined where it is no JSON. */
export interface JsonLine {
  readonly line: number;
  readonly content: string;
  readonly value: unknown;
  /** Nothing ends the line: a copy or download may have cut it. */
  readonly isCut: boolean;
}

/**
 * The lines of a JSON Lines file, those of a chunk together; a key of `used` that stands twice makes a bad row, a whole
 * number there that has more digits than numbers hold is a text of them. Blank lines, CRLF and a byte order mark are fine. `skip`: lines before the first row, blank ones not counted. `prepare`
 * changes a line's text before it is parsed.
 */
export async function* jsonLines(
  text: AsyncIterable<string>,
  rows: RowContext,
  used: ReadonlySet<string>,
  { skip = 0, prepare = (content) => content }: { skip?: number; prepare?: (content: string) => string } = {},
): AsyncGenerator<readonly JsonLine[]> {
  let line = 0;
  let left = skip;
  for await (const { lines, isCut } of lineBatches(text)) {
    const found: JsonLine[] = [];
    for (const content of lines) {
      line++;
      if (content === '' || content.trim() === '') continue;
      const prepared = prepare(content);
      const value = isTooDeep(content) ? undefined : withExactDigits(parseJson(prepared), prepared, used);
      const twice = hasMoreKeys(content, value) ? keyTwice(content, left > 0 ? null : used) : undefined;
      const duplicate = twice === undefined ? null : duplicateKey(line, twice);
      if (left-- > 0) {
        if (duplicate !== null) throw new UserError(badRowText(rows.path, duplicate));
        continue;
      }
      if (rows.keys !== undefined) addKeys(rows.keys, value);
      if (duplicate === null) found.push({ line, content, value, isCut });
      else rows.bad(duplicate);
    }
    yield found;
  }
}

/** The rows of a JSON Lines file that fit a schema, with their lines; what does not fit is given to `rows.bad`. */
export async function* jsonRows<T>(
  text: AsyncIterable<string>,
  rows: RowContext,
  schema: z.ZodType<T>,
  fields: Readonly<Record<string, FieldExpectation>>,
  skip = 0,
): AsyncGenerator<JsonRow<T>> {
  for await (const lines of jsonLines(text, rows, new Set(fieldNames(fields)), { skip }))
    for (const { line, content, value, isCut } of lines) {
      const found = schema.safeParse(value);
      if (found.success) yield { line, row: found.data };
      else
        rows.bad({
          line,
          column: null,
          message: cutText(value, isCut) + describe(found.error, value, content, fields),
        });
    }
}

function cutText(value: unknown, isCut: boolean): string {
  return isCut && value === undefined ? 'truncated_last_line: the file ends in the middle of a line: ' : '';
}

/** A line that is no JSON object, as a bad row. */
export function noObject({ line, content, value, isCut }: JsonLine, expected: string): BadRow {
  const what =
    value === undefined ? notJson(content) : `the line is ${content.slice(0, 80)}, expected an object with ${expected}`;
  return { line, column: null, message: cutText(value, isCut) + what };
}

/** Far deeper than any request, and far from where functions that call themselves run out of stack. */
const MOST_DEPTH = 1000;

function isTooDeep(content: string): boolean {
  if (content.length < 2 * MOST_DEPTH) return false;
  let depth = 0;
  // Brackets within texts open nothing, and few texts have a thousand more of them than they close.
  for (const [bracket] of content.matchAll(/[{}[\]]/g)) {
    depth += bracket === '{' || bracket === '[' ? 1 : -1;
    if (depth > MOST_DEPTH) return isNestedDeep(content);
  }
  return false;
}

function isNestedDeep(content: string): boolean {
  let depth = 0;
  for (const { part } of jsonParts(content)) {
    if (part === '{' || part === '[') depth++;
    else if (part === '}' || part === ']') depth--;
    if (depth > MOST_DEPTH) return true;
  }
  return false;
}

function notJson(content: string): string {
  const start = content.slice(0, 80);
  if (isTooDeep(content)) return `the line is nested deeper than ${MOST_DEPTH} levels: ${start}`;
  return /:\s*(?:NaN|-?Infinity)\b/.test(content)
    ? `nan: the line holds NaN or Infinity, expected JSON with finite numbers: ${start}`
    : `the line is not JSON: ${start}`;
}

function duplicateKey(line: number, key: string): BadRow {
  return {
    line,
    column: null,
    message: `duplicate_key: ${quoted(key).slice(1, -1)} stands twice in the line, expected once`,
  };
}

/** Whether the text has more colons than its object has keys, as a key that stands twice makes it; few other rows have. */
function hasMoreKeys(content: string, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  let left = Object.keys(value).length;
  for (let at = content.indexOf(':'); at !== -1; at = content.indexOf(':', at + 1)) if (--left < 0) return true;
  return false;
}

/**
 * The first key that stands twice in the object of a line, be it written as escapes; `of`: the keys that matter, null
 * for any. Of two, `JSON.parse` takes the last without a word.
 */
function keyTwice(content: string, of: ReadonlySet<string> | null): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const { part } of jsonParts(content)) {
    if (part === '{' || part === '[') depth++;
    else if (part === '}' || part === ']') depth--;
    else if (depth === 1 && part.endsWith(':')) {
      const key = keyIn(part);
      if (seen.has(key)) return key;
      if (of === null || of.has(key)) seen.add(key);
    }
  }
  return undefined;
}

/** More different keys than this are data, not names. */
const MOST_KEYS = 1000;

/** A row in the middle of a trace may be the first with a key that matters. */
function addKeys(keys: Set<string>, value: unknown): void {
  if (keys.size < MOST_KEYS) for (const key of keysOfValue(value)) if (key.length < MOST_CHARACTERS) keys.add(key);
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
  const value = parseJson(line);
  return value === undefined && line.length > LONG_LINE ? keysOfCut(line) : keysOfValue(value);
}

/** The first bytes of a file may hold but a part of a line that is longer than this. */
const LONG_LINE = 2 ** 19;

/** Keys of the object of a line that is cut off somewhere. */
function keysOfCut(line: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  for (const { part } of jsonParts(line)) {
    if (part === '{' || part === '[') depth++;
    else if (part === '}' || part === ']') depth--;
    else if (depth === 1 && part.endsWith(':')) keys.push(part.slice(1, part.lastIndexOf('"')));
  }
  return keys;
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
  if (value === undefined) return notJson(content);
  const name = error.issues[0]?.path[0];
  if (typeof name !== 'string' || !Object.hasOwn(fields, name) || typeof value !== 'object' || value === null)
    return `the line is ${start}, expected an object with ${Object.keys(fields)
      .filter((key) => fields[key]?.kind !== undefined)
      .join(', ')}`;
  return fieldFault(error, value, fields);
}

/**
 * What is wrong with a value by the first issue of its schema: the fault, where it is, what was found and what was
 * expected. `at`: where the value stands in its row, such as `requests[3].`; `fields`: by the value's own keys.
 */
export function fieldFault(
  error: z.ZodError,
  value: unknown,
  fields: Readonly<Record<string, FieldExpectation>>,
  at = '',
): string {
  const name = String(error.issues[0]?.path[0] ?? '');
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field === undefined || typeof value !== 'object' || value === null)
    return `${at.replace(/\.$/, '')} is ${quoted(value)}, expected an object with ${Object.keys(fields).join(', ')}`;
  const { kind, also, expected } = field;
  const entries = Object.entries(value);
  const [shownName, found]: [string, unknown] = entries.find(([key]) => key === name) ??
    entries.find(([key]) => key === also) ?? [name, undefined];
  const shown = found === undefined ? 'missing' : quoted(found);
  const fault = kind === undefined ? '' : faultName(kind, found);
  const hint =
    kind === 'time' && (typeof found === 'string' || typeof found === 'number') ? timeHint(String(found)) : '';
  return `${fault}${at}${shownName} is ${shown}, expected ${expected}${hint}`;
}

/** Lines without their ends, those of a chunk together; a last line that nothing ends comes alone, as cut. */
async function* lineBatches(text: AsyncIterable<string>): AsyncGenerator<{ lines: string[]; isCut: boolean }> {
  // Parts of a line that has not ended: to join them chunk by chunk would copy a long line again and again.
  let parts: string[] = [];
  for await (const chunk of text) {
    const lines = chunk.split('\n');
    const rest = lines.pop() ?? '';
    if (lines.length > 0) {
      lines[0] = parts.join('') + (lines[0] ?? '');
      parts = [];
      yield { lines: lines.map(cleanLine), isCut: false };
    }
    if (rest !== '') parts.push(rest);
  }
  if (parts.length > 0) yield { lines: [cleanLine(parts.join(''))], isCut: true };
}

/** Without the byte order mark that a file which was put behind another brings, and without a carriage return. */
function cleanLine(line: string): string {
  return line.slice(line.startsWith('\uFEFF') ? 1 : 0, line.endsWith('\r') ? -1 : undefined);
}
