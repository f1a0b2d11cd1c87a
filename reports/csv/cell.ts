/** A cell of a CSV file: quoted where a comma, a quote or a line end would end it (RFC 4180). */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
