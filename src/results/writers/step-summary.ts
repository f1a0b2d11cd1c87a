import { appendFileSync } from 'node:fs';
import { writeError, writeWhole } from '../../runs/run-directory.ts';
import { foundAt } from '../../core/read-within.ts';

/** GitHub takes a step summary below 1 MiB, of all that a step appends. */
const MAX_BYTES = 1024 * 1024 - 1;

const CUT = '\n\n**Cut here: a step summary holds less than 1 MiB. The rest is in the summary.md of the run.**\n';

/** Appends to GitHub's step summary; what does not fit is cut at the end of a paragraph, and a line says so. */
export function appendStepSummary(file: string, markdown: string): void {
  try {
    const used = foundAt(file)?.size ?? 0;
    appendFileSync(file, fitting(`${used === 0 ? '' : '\n'}${markdown}`, MAX_BYTES - used));
  } catch (error) {
    throw writeError(file, error);
  }
}

/** Writes it where no step runs. */
export function writeStepSummary(file: string, markdown: string): void {
  writeWhole(file, fitting(markdown, MAX_BYTES));
}

/** As much of the text as fits into so many bytes of UTF-8, with the line that says where it was cut. */
export function fitting(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const room = bytes - Buffer.byteLength(CUT);
  if (room < 0) return '';
  // A character that is cut in two decodes to U+FFFD, one each of its bytes.
  const head = Buffer.from(text)
    .subarray(0, room)
    .toString()
    .replace(/\u{FFFD}{1,3}$/u, '');
  const end = Math.max(head.lastIndexOf('\n\n'), 0);
  return `${head.slice(0, end === 0 ? head.length : end)}${CUT}`;
}
