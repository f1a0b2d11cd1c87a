import { messageOf, UserError } from '../core/errors.ts';

/**
 * JSON as Python writes it: with NaN, which is nothing here and becomes null, and Infinity. Throws a UserError that says
 * where the text stops being JSON; `where` names the file, and the line in it.
 */
export function parsePythonJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    try {
      if (/NaN|Infinity/.test(text)) return JSON.parse(plainJson(text));
    } catch (thrown) {
      throw notJson(text, where, thrown);
    }
    throw notJson(text, where, error);
  }
}

function notJson(text: string, where: string, error: unknown): UserError {
  const message = messageOf(error);
  const [, position] = /at position (\d+)/.exec(message) ?? [];
  // NaN and Infinity are replaced before the place is counted.
  const isAtEnd = position !== undefined && Number(position) >= text.trimEnd().length;
  const isCut = isAtEnd || /end of JSON input|unterminated/i.test(message);
  return new UserError(
    `${where}: ${isCut ? 'is cut short' : 'not JSON'} (${message}); ${isCut ? 'copy it again, or let the benchmark end before it is read' : 'give the result file as the tool wrote it'}`,
    { cause: error },
  );
}

/** NaN and Infinity outside of strings as JSON has them: JSON.parse reads 1e999 as Infinity. */
function plainJson(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const from = quote === -1 ? text.length : quote;
    parts.push(text.slice(at, from).replaceAll('NaN', 'null').replaceAll('Infinity', '1e999'));
    at = from === text.length ? from : stringEnd(text, from);
    parts.push(text.slice(from, at));
  }
  return parts.join('');
}

/** After the quote that ends the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '"') return at + 1;
  }
  return text.length;
}
