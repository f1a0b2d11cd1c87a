/** Control, format and separator characters and lone surrogates. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** The same, but for the line feed and the tab. */
const UNSEEN_IN_LINES = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A line as a terminal may have it: characters that move the cursor, change the terminal, hide text or turn its
 * direction are shown as JSON writes them (`\u001b`), so that JSON stays the same JSON.
 */
export function visibleLine(text: string): string {
  return text.replaceAll(UNSEEN, escaped);
}

/** The same of several lines. */
export function visibleLines(text: string): string {
  return text.replaceAll(UNSEEN_IN_LINES, escaped);
}

/** A pair of surrogates as two, as in JSON. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
  ).join('');
}
