import { csvRequests, hasColumns, type Column } from './csv-rows.ts';
import { isZoned, tokenCount, zonedTimestampToUs } from './fields.ts';
import type { Format } from './format.ts';

const COLUMNS: readonly [Column, Column, Column] = [
  { name: 'TIMESTAMP', read: zonedTimestampToUs },
  { name: 'ContextTokens', read: tokenCount },
  { name: 'GeneratedTokens', read: tokenCount },
];

/**
 * Azure LLM inference traces 2024, one week each (Stojkovic et al., DynamoLLM, HPCA 2025): the columns of 2023, but
 * every time has its offset from UTC, and no fraction where that is zero. The first row's offset tells the two apart.
 */
export const azure2024: Format = {
  name: 'azure-2024',
  begins: 'TIMESTAMP,ContextTokens,GeneratedTokens',
  matches: (head, firstRow) => hasColumns(head, COLUMNS) && firstRow.split(',').some(isZoned),
  read: (text, rows) => csvRequests(text, rows, COLUMNS),
};
