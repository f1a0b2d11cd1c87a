import { csvNotes, csvRequests, hasColumns, type Columns } from './csv-rows.ts';
import { timestampToUs, tokenCount } from './fields.ts';
import type { Format } from './format.ts';

const COLUMNS: Columns = [
  { name: 'TIMESTAMP', read: timestampToUs },
  { name: 'ContextTokens', read: tokenCount },
  { name: 'GeneratedTokens', read: tokenCount },
];

/** Azure LLM inference trace 2023 (Patel et al., Splitwise, ISCA 2024): wall-clock times with seven decimals, no zone. */
export const azure2023: Format = {
  name: 'azure-2023',
  begins: 'TIMESTAMP,ContextTokens,GeneratedTokens',
  matches: (head) => hasColumns(head, COLUMNS),
  notes: (head) => csvNotes(head, COLUMNS),
  read: (text, rows) => csvRequests(text, rows, () => COLUMNS),
};
