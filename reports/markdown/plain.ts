/** Text on one line, escaped so that markdown neither formats it nor takes it for HTML, nor writes it backwards. */
export function plain(text: string): string {
  return text
    .replaceAll(/\p{Bidi_Control}/gu, '\u{FFFD}')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_{}[\]<>#|~&!]/g, String.raw`\$&`);
}
