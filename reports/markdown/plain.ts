/** Text on one line, escaped so that markdown neither formats it nor takes it for HTML. */
export function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_{}[\]<>#|~&!]/g, String.raw`\$&`);
}
