import { certificateNotes, certificateSentence, LIMIT_COLUMNS, limitRows } from '../certificate-words.ts';
import type { Certificate } from '../../src/schema/certificate.ts';
import { aligned } from './table.ts';

/** A certificate for a terminal: the answer first, then a row a ladder. No newline at the end. */
export function certificateText(certificate: Certificate, { color }: { color: boolean }): string {
  const sentence = `● ${certificateSentence(certificate)}`;
  return [
    color ? `\u001B[1m${sentence}\u001B[0m` : sentence,
    '',
    ...aligned([LIMIT_COLUMNS, ...limitRows(certificate)], 'left'),
    '',
    ...certificateNotes(certificate),
  ].join('\n');
}
