/** Longest prompt or response of a row: a longer one is a mix-up of columns. */
export const MAX_ROW_TOKENS = 10_000_000;
export const LENGTH_EXPECTED = `a whole number of tokens, 1 to ${MAX_ROW_TOKENS} (a request without any cannot be replayed)`;

/**
 * The name of what is wrong with a cell or field, with a colon after it; empty where no name fits. The names are those
 * that users can search for: a message says the rest.
 */
export function faultName(kind: 'time' | 'length', value: unknown): string {
  if (value === undefined || value === null || value === '') return `missing_${kind}: `;
  if (typeof value === 'string' && /^\s*[+-]?(?:nan|inf(?:inity)?)\s*$/i.test(value)) return 'nan: ';
  const number = Number(value);
  if (number < 0) return 'negative: ';
  if (kind === 'time' || Number.isNaN(number)) return '';
  if (number === 0) return 'zero_length: ';
  return Number.isInteger(number) ? '' : 'non_integer_length: ';
}
