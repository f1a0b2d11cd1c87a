/**
 * The raw text of a member of a JSON object: what one server says for another is passed on byte for byte, because
 * `JSON.parse` rounds integers beyond 2^53 and makes `1.0` a `1`. Of several members of the name the last, as parsers
 * take it; null where there is none. `text` must be the valid JSON of an object.
 */
export function rawMember(text: string, name: string): string | null {
  let found: string | null = null;
  let at = skipSpace(text, text.indexOf('{') + 1);
  while (text[at] === '"') {
    const keyEnd = stringEnd(text, at);
    const from = skipSpace(text, skipSpace(text, keyEnd) + 1); // behind the colon
    const to = valueEnd(text, from);
    if (JSON.parse(text.slice(at, keyEnd)) === name) found = text.slice(from, to);
    at = skipSpace(text, to);
    if (text[at] !== ',') break;
    at = skipSpace(text, at + 1);
  }
  return found;
}

/** The end of the string that begins at `from`, behind its quote. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function valueEnd(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const character = text[at] ?? '';
    if (character === '"') {
      at = stringEnd(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (depth === 0 && /[\s,}]/.test(character)) return at;
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    at++;
    if (depth === 0 && (character === '}' || character === ']')) return at;
  }
  return at;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at] ?? '')) at++;
  return at;
}
