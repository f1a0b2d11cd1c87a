import { csvNotes, csvRequests, hasColumns, type Columns } from './csv-rows.ts';
import { secondsToUs, tokenCount } from './fields.ts';
import type { Format } from './format.ts';

const COLUMNS: Columns = [
  { name: 'arrival_s', read: secondsToUs },
  { name: 'input_tokens', read: tokenCount },
  { name: 'output_tokens', read: tokenCount },
];

/** The format to write by hand or by script: seconds and two lengths. Times count from the first row. */
export const plainCsv: Format = {
  name: 'csv',
  begins: 'arrival_s,input_tokens,output_tokens',
  matches: (head) => hasColumns(head, COLUMNS),
  notes: (head) => csvNotes(head, COLUMNS),
  read: (text, rows) => csvRequests(text, rows, () => COLUMNS),
};
