import { UserError } from '../../src/core/errors.ts';

/**
 * How a JSON text that is not a value a line is laid out: one array of rows, objects that go over many lines, or objects
 * that hold a list of rows, as APIs answer.
 */
export type DocumentForm = 'array' | 'object' | 'list';

/** What APIs call their list of rows: Langfuse, LiteLLM and Jaeger `data`. */
const LIST_KEYS = 'data|items|records|rows|logs|entries|observations';
const LIST_KEY = new RegExp(`"(?:${LIST_KEYS})"\\s*:\\s*$`);
/** Before the list there may be numbers, names and the like. */
const LIST = new RegExp(
  `^\\{(?:\\s*"[^"\\\\]{1,60}"\\s*:\\s*(?:"[^"\\\\]*"|[-+.\\w]+)\\s*,){0,20}\\s*"(?:${LIST_KEYS})"\\s*:\\s*\\[\\s*\\{`,
);

/**
 * The form of a file that begins so; null for JSON Lines and for what is no JSON. An object goes over many lines where its
 * first line ends behind a bracket or comma within it, as every program that indents writes it.
 */
export function documentForm(head: string): DocumentForm | null {
  const text = head.replace(/^\uFEFF?\s*/, '');
  if (/^\[\s*[[{\]]/.test(text)) return 'array';
  if (LIST.test(text)) return 'list';
  const line = /^\{[^\n]*(?=\n)/.exec(text)?.[0].trimEnd();
  return line !== undefined && /[{[,]$/.test(line) && depthOf(line) > 0 ? 'object' : null;
}

/** How many brackets are open behind a text. */
function depthOf(text: string): number {
  let depth = 0;
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\]]/g))
    depth += part === '{' || part === '[' ? 1 : part === '}' || part === ']' ? -1 : 0;
  return depth;
}

/** What matters of JSON within a quoted text, and outside of one. */
const IN_QUOTES = /["\\]/g;
const OUTSIDE = /["{}[\],\n]/g;

/** How many brackets are around a row. */
const BRACKETS: Readonly<Record<DocumentForm, number>> = { object: 0, array: 1, list: 2 };
/** An object that should hold rows and has no list of them: a row that no reader takes, so that it is named. */
const NO_ROWS = '[]';
/** What is kept of the text outside of rows: enough for the key before a list. */
const KEY_CHARACTERS = 100;

/**
 * The elements of an array or of lists within objects, or the objects of a text, each as one line, however long the text
 * is: what is held of it is a chunk. What stands beside a list in its object is left out. Throws a UserError for an element of more than `mostCharacters`; `path`: for that.
 */
export async function* documentLines(
  text: AsyncIterable<string>,
  form: DocumentForm,
  path: string,
  mostCharacters: number,
): AsyncGenerator<string> {
  const base = BRACKETS[form];
  let [depth, isInQuotes, isEscaped] = [0, false, false];
  // Of objects that hold a list: whether the text is within it, whether there was one, and what is before a bracket.
  let [isWithin, hasList, outside] = [form !== 'list', false, ''];
  let [row, rowLength] = [1, 0];
  let lines = '';
  const add = (part: string): void => {
    if (!isWithin) {
      outside = (outside + part).slice(-KEY_CHARACTERS);
      return;
    }
    // Between two elements there may be any space.
    if (rowLength === 0 && part.trim() === '') return;
    lines += part;
    rowLength += part.length;
    if (rowLength > mostCharacters) throw rowTooLong(path, row, mostCharacters);
  };
  const endRow = (): void => {
    if (rowLength === 0) return;
    lines += '\n';
    rowLength = 0;
    row++;
  };
  for await (const chunk of text) {
    if (chunk === '') continue;
    let copied = 0;
    let next = isEscaped ? 1 : 0;
    isEscaped = false;
    while (next < chunk.length) {
      const marks = isInQuotes ? IN_QUOTES : OUTSIDE;
      marks.lastIndex = next;
      const found = marks.exec(chunk);
      if (found === null) break;
      const { 0: mark, index } = found;
      next = index + 1;
      if (mark === '"') isInQuotes = !isInQuotes;
      else if (mark === '\\') {
        isEscaped = next === chunk.length;
        next++;
      } else if (mark === '\n') {
        add(`${chunk.slice(copied, index)} `);
        copied = next;
      } else if (mark === '{' || mark === '[') {
        if (form === 'list' && depth === 1) {
          add(chunk.slice(copied, index));
          isWithin = mark === '[' && LIST_KEY.test(outside);
          hasList ||= isWithin;
        }
        // The bracket of the array itself is left out.
        if (depth++ < base) copied = next;
      } else if (depth <= base) {
        // A comma between two elements, or the end of the array.
        add(chunk.slice(copied, index));
        endRow();
        copied = next;
        if (mark === ',') continue;
        if (form === 'list') {
          if (depth === 1 && !hasList) lines += `${NO_ROWS}\n`;
          isWithin = false;
          hasList &&= depth > 1;
        }
        depth = Math.max(0, depth - 1);
      } else if (mark !== ',' && --depth === base) {
        add(chunk.slice(copied, next));
        endRow();
        copied = next;
      }
    }
    add(chunk.slice(copied));
    yield lines;
    lines = '';
  }
  // An array that nothing ends is cut off, though it be between two elements.
  if (depth > 0 && rowLength === 0) yield '[';
}

function rowTooLong(path: string, row: number, mostCharacters: number): UserError {
  return new UserError(
    `${path}:${row}: row_too_long: element ${row} of its JSON is longer than ${mostCharacters / 2 ** 20} MiB; leave texts out of it, their lengths are enough`,
  );
}
