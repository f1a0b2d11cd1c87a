const SPACE = 32;
const LAST_ASCII = 126;

/** As `String.trim`, which the engine calls out for: most cells have nothing around them, which two characters tell. */
export function trimmed(text: string): string {
  return isPrinted(text.charCodeAt(0)) && isPrinted(text.charCodeAt(text.length - 1)) ? text : text.trim();
}

/** Of characters beyond ASCII some are space too. */
function isPrinted(code: number): boolean {
  return code > SPACE && code <= LAST_ASCII;
}
