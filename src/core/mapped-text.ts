/** A text, and of each of its characters the span in the text that it was made of. */
export interface MappedText {
  readonly text: string;
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

/** A text that is made of itself. */
export function mapped(text: string): MappedText {
  const from = new Uint32Array(text.length);
  for (let i = 0; i < from.length; i++) from[i] = i;
  return { text, from, to: from.map((i) => i + 1) };
}

/**
 * Escapes of one character: `\u0041` (also behind several backslashes), `\u{41}`, `\x41`, `\101`, `%41`, `&#x41;`, `&#65;`;
 * those of spaces and signs; and tags of HTML, which stand for nothing.
 */
const ESCAPE =
  /\\+u00([0-9a-f]{2})|\\+u\{0*([0-9a-f]{2})\}|\\+x([0-9a-f]{2})|%(?:u00)?([0-9a-f]{2})|&#x0*([0-9a-f]{2});|&#0*(\d{2,3});|\\+([0-7]{3})|\\+(.)|&(amp|lt|gt|quot|nbsp);|<\/?[a-z][^<>]{0,40}>/gi;
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' };

/** A text whose escapes are resolved once. */
export function decodedOnce(text: string): string {
  return /[\\%&<]/.test(text) ? text.replaceAll(ESCAPE, (...groups) => meaning(groups)) : text;
}

/** The same, with the places. No text gets longer by it. */
export function decodedMapped({ text, from, to }: MappedText): MappedText {
  const parts: string[] = [];
  const [starts, ends] = [new Uint32Array(text.length), new Uint32Array(text.length)];
  let length = 0;
  const addPlain = (first: number, end: number): void => {
    parts.push(text.slice(first, end));
    starts.set(from.subarray(first, end), length);
    ends.set(to.subarray(first, end), length);
    length += end - first;
  };
  let at = 0;
  for (const match of text.matchAll(ESCAPE)) {
    addPlain(at, match.index);
    at = match.index + match[0].length;
    const part = meaning(match);
    parts.push(part);
    starts.fill(from[match.index] ?? 0, length, length + part.length);
    ends.fill(to[at - 1] ?? 0, length, length + part.length);
    length += part.length;
  }
  addPlain(at, text.length);
  return { text: parts.join(''), from: starts.subarray(0, length), to: ends.subarray(0, length) };
}

/** What an escape stands for, by the groups of `ESCAPE`. */
function meaning(groups: readonly unknown[]): string {
  const [, ...given] = groups.map((group) => (typeof group === 'string' ? group : null));
  const [byU, byBraces, byX, byPercent, byHtml, decimal, octal, letter, name] = given;
  const hex = byU ?? byBraces ?? byX ?? byPercent ?? byHtml ?? null;
  if (hex !== null) return String.fromCharCode(Number.parseInt(hex, 16));
  if (typeof decimal === 'string') return String.fromCharCode(Number(decimal));
  if (typeof octal === 'string') return String.fromCharCode(Number.parseInt(octal, 8));
  if (typeof letter === 'string') return /[nrtbfv0]/.test(letter) ? ' ' : letter;
  return typeof name === 'string' ? (NAMED[name.toLowerCase()] ?? '') : '';
}
