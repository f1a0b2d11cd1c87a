/** Longest prompt or response of a row: a longer one is a mix-up of columns. */
export const MAX_ROW_TOKENS = 10_000_000;
export const LENGTH_EXPECTED = `a whole number of tokens, 1 to ${MAX_ROW_TOKENS} (a request without any cannot be replayed)`;
/** A length that may be none: the row is then no request, and left out. */
export const COUNT_EXPECTED = `a whole number of tokens, 0 to ${MAX_ROW_TOKENS}`;

/** The year 2128: beyond any time in seconds, be it since 1970, and short of such a time in milliseconds. */
export const MOST_US = 5e15;

/** No trace is longer: ten years. */
const MOST_SPAN_US = 3653 * 86_400e6;

/**
 * What is wrong with a row that is due too long before or after the first row of its file to be of the same trace; null
 * for any other.
 */
export function farTime(name: string, us: number, firstUs: number): string | null {
  if (Math.abs(us - firstUs) <= MOST_SPAN_US) return null;
  const years = Math.round(Math.abs(us - firstUs) / (365.25 * 86_400e6));
  const side = us < firstUs ? 'before' : 'after';
  return `far_time: ${name} is ${years} years ${side} that of the first row, expected 10 at most: one of the two is wrong`;
}

/**
 * The name of what is wrong with a cell or field, with a colon after it; empty where no name fits. The names are those
 * that users can search for: a message says the rest.
 */
export function faultName(kind: 'time' | 'length', value: unknown): string {
  if (value === undefined || value === null || value === '') return `missing_${kind}: `;
  if (typeof value === 'string' && /^\s*[+-]?(?:nan|inf(?:inity)?)\s*$/i.test(value)) return 'nan: ';
  // An array or object may take any depth, or any method of its own, to become a number.
  if (typeof value === 'object') return '';
  const number = Number(value);
  if (number < 0) return 'negative: ';
  if (kind === 'time' || Number.isNaN(number)) return '';
  if (number === 0) return 'zero_length: ';
  return Number.isInteger(number) ? '' : 'non_integer_length: ';
}
