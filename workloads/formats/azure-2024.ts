import { csvNotes, csvRequests, hasColumns, type Columns } from './csv-rows.ts';
import { isZoned, tokenCount, zonedTimestampToUs } from './fields.ts';
import type { Format } from './format.ts';

const COLUMNS: Columns = [
  { name: 'TIMESTAMP', read: zonedTimestampToUs },
  { name: 'ContextTokens', read: tokenCount },
  { name: 'GeneratedTokens', read: tokenCount },
];

/** So many rows tell which year's file it is, though the first of them be bad. */
const FEW = 100;

/**
 * Azure LLM inference traces 2024, one week each (Stojkovic et al., DynamoLLM, HPCA 2025): the columns of 2023, but
 * every time has its offset from UTC, and no fraction where that is zero. An offset in the first rows tells the two apart.
 */
export const azure2024: Format = {
  name: 'azure-2024',
  begins: 'TIMESTAMP,ContextTokens,GeneratedTokens',
  matches: (head, rows) => hasColumns(head, COLUMNS) && rows.slice(0, FEW).some((row) => row.split(',').some(isZoned)),
  notes: (head) => csvNotes(head, COLUMNS),
  read: (text, rows) => csvRequests(text, rows, () => COLUMNS),
};
