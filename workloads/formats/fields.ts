import { faultName, LENGTH_EXPECTED, MAX_ROW_TOKENS, MOST_US } from './faults.ts';
import type { NamedUnit } from './column-names.ts';
import { FieldError, quoted } from './format.ts';
import { trimmed } from './trimmed.ts';

/** A length: a whole number from 1; `12.0` is 12. Throws a FieldError. */
export function tokenCount(name: string, value: string): number {
  const plain = digits(value, 0, value.length);
  const count = plain >= 0 ? plain : /^\s*\d+(?:\.0*)?\s*$/.test(value) ? Number(value) : Number.NaN;
  if (count >= 1 && count <= MAX_ROW_TOKENS) return count;
  const hint = /^\s*\d{1,3}(?:[,.'_ \u00a0\u202f]\d{3})+\s*$/.test(value)
    ? '; write it without marks between thousands'
    : '';
  throw new FieldError(`${faultName('length', value)}${name} is ${quoted(value)}, expected ${LENGTH_EXPECTED}${hint}`);
}

/** The number that the characters from `from` to `to` are, where they are digits and nothing else; -1 for others. */
function digits(text: string, from: number, to: number): number {
  let number = from < to ? 0 : -1;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    // Negated, as what is behind the end is no number.
    if (!(digit >= 0 && digit <= 9)) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** Decimal seconds to whole microseconds, exactly: the text is read, not a rounded double. Throws a FieldError. */
export function secondsToUs(name: string, value: string): number {
  const match = /^\s*\+?(?=\.?\d)(\d*)(?:\.(\d*))?\s*$/.exec(value);
  const us = match === null ? exponentToUs(value) : Number(match[1]) * 1e6 + fractionToUs(match[2] ?? '');
  if (us <= MOST_US) return us;
  throw new FieldError(
    `${faultName('time', value)}${name} is ${quoted(value)}, expected seconds, e.g. 12.345678${timeHint(value)}`,
  );
}

const US_PER_UNIT: Readonly<Record<NamedUnit, number>> = { s: 1e6, ms: 1000, us: 1, ns: 0.001 };

/** A number of `unit` to whole microseconds. Throws a FieldError. */
export function numberToUs(name: string, value: string, unit: NamedUnit): number {
  if (unit === 's') return secondsToUs(name, value);
  const isNumber = /^\s*\+?\d+(?:\.\d*)?(?:e[+-]?\d+)?\s*$/i.test(value);
  const us = isNumber ? Math.round(Number(value) * US_PER_UNIT[unit]) : Number.NaN;
  if (us <= MOST_US) return us;
  throw new FieldError(`${faultName('time', value)}${name} is ${quoted(value)}, expected a number of ${unit}`);
}

const EPOCHS: Readonly<Record<string, NamedUnit>> = { 10: 's', 13: 'ms', 16: 'us', 19: 'ns' };

/** The unit of a time since 1970, which its digits tell for the years 2001 to 2128; null for other numbers. */
function epochUnit(value: string): NamedUnit | null {
  const [whole = ''] = /^\s*\d+(?=(?:\.\d*)?\s*$)/.exec(value) ?? [];
  return (whole.trim() <= '5' && EPOCHS[whole.trim().length]) || null;
}

/** Whether a cell is a time that says by itself when it is: a date, or a time since 1970. */
export function isAbsoluteTime(cell: string): boolean {
  return isDate(cell) || epochUnit(cell) !== null;
}

/** What a time is that says by itself when it is: a date, or a number since 1970 in the unit that its digits tell. */
export function absoluteUnit(cell: string): 'iso' | `epoch_${NamedUnit}` | null {
  if (isDate(cell)) return 'iso';
  const unit = epochUnit(cell);
  return unit === null ? null : `epoch_${unit}`;
}

/** A date, with an offset from UTC or in UTC, or a time since 1970 in s, ms, us or ns. Throws a FieldError. */
export function absoluteTimeToUs(name: string, value: string): number {
  const unit = epochUnit(value);
  if (unit !== null) return numberToUs(name, value, unit);
  return isZoned(value) ? zonedTimestampToUs(name, value) : timestampToUs(name, value);
}

/** What a time that cannot be read looks like, with the way out, for the end of a message; empty where nothing tells. */
export function timeHint(value: string): string {
  const unit = epochUnit(value);
  if (unit !== null) return `; it looks like ${unit} since 1970: as CSV, name the column timestamp_${unit}`;
  if (isDate(value)) return '; it looks like a date: as CSV, name the column timestamp';
  return isOtherDate(value)
    ? '; it looks like a date: as CSV, name the column timestamp and write it like 2026-01-05 10:00:00.250'
    : '';
}

function isDate(cell: string): boolean {
  return /^\s*\d{4}-\d\d-\d\d[ T]\d\d:\d\d/.test(cell);
}

const MONTH = /\b(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)/i;

/** A date or time of day as no format reads it: `01/05/2026 10:00:00`, `5 Jan 2026`, `2026-01-05`, `20260105T1000Z`, `10:00:01`. */
export function isOtherDate(cell: string): boolean {
  return !isDate(cell) && (/\d[/.-]\d{1,2}[/.-]\d|\d:\d\d|\d{8}T\d/.test(cell) || MONTH.test(cell));
}

/** Such as 1.5e-07; NaN for what is no number. */
function exponentToUs(value: string): number {
  return /^\s*\d+(?:\.\d*)?e[+-]?\d+\s*$/i.test(value) ? Math.round(Number(value) * 1e6) : Number.NaN;
}

/** Digits behind the point of a second, from `from` on and nothing else behind it, rounded half up. */
function fractionToUs(text: string, from = 0): number {
  const given = Math.min(6, text.length - from);
  const us = given === 0 ? 0 : digits(text, from, from + given) * (US_OF_DIGITS[given] ?? 1);
  return text.charCodeAt(from + 6) >= FIVE ? us + 1 : us;
}

const FIVE = '5'.charCodeAt(0);
/** By the number of digits behind the point, what the last of them counts. */
const US_OF_DIGITS = [1e6, 1e5, 1e4, 1000, 100, 10, 1];

/**
 * `2023-11-16 18:15:46.6805900` to whole microseconds since 1970, taken as UTC. By hand: Date.parse reads it as local
 * time and drops what is below a millisecond, and a pattern takes four times as long. Throws a FieldError.
 */
export function timestampToUs(name: string, value: string): number {
  const text = trimmed(value);
  const seconds = secondsSince1970(text);
  const hasFraction = text[19] === '.';
  if (Number.isNaN(seconds) || (hasFraction ? digits(text, 20, text.length) < 0 : text.length > 19))
    throw new FieldError(
      `${faultName('time', value)}${name} is ${quoted(value)}, expected a time like 2023-11-16 18:15:46.6805900`,
    );
  const us = seconds * 1e6 + (hasFraction ? fractionToUs(text, 20) : 0);
  if (us >= 0 && us <= MOST_US) return us;
  throw new FieldError(`${name} is ${quoted(value)}, expected a time from 1970 to 2128`);
}

/** Of a text that begins like `2023-11-16 18:15:46`, or with a T; NaN for any other. */
function secondsSince1970(text: string): number {
  const isMarked =
    text[4] === '-' &&
    text[7] === '-' &&
    (text[10] === ' ' || text[10] === 'T') &&
    text[13] === ':' &&
    text[16] === ':';
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const isDay = year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
  const isTime = hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 59;
  if (!isMarked || !isDay || !isTime) return Number.NaN;
  return daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

const UTC = '+00:00';
const OFFSET = /(?:Z|([+-])(\d\d)(?::?(\d\d))?)\s*$/;

/** Whether a cell is a time that says its offset from UTC. */
export function isZoned(cell: string): boolean {
  const text = cell.trim().replace(/^"(.*)"$/, '$1');
  return /^\d{4}-\d\d-\d\d[ T]/.test(text) && OFFSET.test(text);
}

/** `2024-05-12 00:00:00.001163+00:00`, or without a fraction, to whole microseconds since 1970. Throws a FieldError. */
export function zonedTimestampToUs(name: string, value: string): number {
  if (value.endsWith(UTC)) return timestampToUs(name, value.slice(0, -UTC.length));
  const match = OFFSET.exec(value);
  const [hours, minutes] = [Number(match?.[2] ?? 0), Number(match?.[3] ?? 0)];
  if (match === null || hours > 23 || minutes > 59)
    throw new FieldError(
      `${faultName('time', value)}${name} is ${quoted(value)}, expected a time with its offset, like 2024-05-12 00:00:00.001163+00:00`,
    );
  const offsetUs = (hours * 60 + minutes) * 60e6;
  return timestampToUs(name, value.slice(0, match.index)) - (match[1] === '-' ? -offsetUs : offsetUs);
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  return month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days of the proleptic Gregorian calendar, counting years from March so that the leap day comes last. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return y * 365 + leapDays + Math.floor((monthFromMarch * 153 + 2) / 5) + day - 1 - 719_468;
}
