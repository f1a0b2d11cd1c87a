import { UserError } from './errors.ts';

const US_PER_UNIT: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6 };

/** `250ms`, `2s`, `1.5m` -> whole microseconds. A bare number throws a UserError that shows how to write it. */
export function parseDurationUs(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-zµ]*)$/i.exec(text.trim());
  const unit = (match?.[2] ?? '').toLowerCase().replace('µ', 'u');
  const factor = US_PER_UNIT[unit];
  if (match !== null && unit === '')
    throw new UserError(`${what}: "${text}" has no unit; write e.g. ${text}ms or ${text}s`);
  if (match === null || factor === undefined)
    throw new UserError(
      `${what}: "${text}" is not a duration; write a number with a unit (us, ms, s, m, h), e.g. 250ms`,
    );
  return Math.round(Number(match[1]) * factor);
}

/** `600s..660s` -> microseconds; either end may be left out. */
export function parseWindowUs(text: string): { fromUs: number; toUs: number } {
  const parts = text.split('..');
  const [from = '', to = ''] = parts;
  if (parts.length !== 2 || (from === '' && to === ''))
    throw new UserError(
      `--window: "${text}" is not a window; write FROM..TO, e.g. 60s..120s (either end may be left out)`,
    );
  const fromUs = from === '' ? 0 : parseDurationUs(from, '--window');
  const toUs = to === '' ? Number.POSITIVE_INFINITY : parseDurationUs(to, '--window');
  if (toUs <= fromUs) throw new UserError(`--window: "${text}" is empty: its end is not after its start`);
  return { fromUs, toUs };
}

/** `2%`, given as `--precision`, -> 0.02. Both bounds are percents that may be given; any other text is a UserError. */
export function parsePrecision(text: string, [least, most]: readonly [number, number], example: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())?.[1] ?? Number.NaN);
  if (percent >= least && percent <= most) return percent / 100;
  throw new UserError(`--precision: "${text}" is not a share from ${least}% to ${most}%, e.g. ${example}`);
}

/** Three significant figures in the unit that fits: `812 us`, `48.2 ms`, `1.93 s`, `12.4 min`, `33.6 h`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms === 0) return '0 ms';
  const size = Math.abs(ms);
  if (size < 0.9995) return `${threeFigures(ms * 1000)} us`;
  if (size < 999.5) return `${threeFigures(ms)} ms`;
  if (size < 599_500) return `${threeFigures(ms / 1000)} s`;
  if (size < 35_970_000) return `${threeFigures(ms / 60_000)} min`;
  return `${threeFigures(ms / 3_600_000)} h`;
}

/** Of a number with its unit. */
export const TRAILING_ZEROS = /\.0+(?= )|(?<=\.\d*?)0+(?= )/;

/** The unit of a time axis that ends at `endS`. */
export function timeUnit(endS: number): { unit: string; unitS: number } {
  if (endS < 1) return { unit: 'ms', unitS: 1e-3 };
  if (endS < 600) return { unit: 's', unitS: 1 };
  return endS < 4 * 3600 ? { unit: 'min', unitS: 60 } : { unit: 'h', unitS: 3600 };
}

/** A time on an axis that ends at `endS`, in the unit of that axis: `4.5 s`, `10.7 min`. */
export function axisTimeText(seconds: number, endS: number): string {
  const { unit, unitS } = timeUnit(endS);
  return `${threeFigures(seconds / unitS)} ${unit}`.replace(TRAILING_ZEROS, '');
}

/** Three significant figures without an exponent; whole numbers from 100 up get thousands separators. */
export function threeFigures(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return withThousands(value.toFixed(decimalsOf(value)));
}

/** The same rounded up, of a number from which on something holds: what is shown holds too. */
export function threeFiguresUp(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const unit = 10 ** decimalsOf(value);
  // What is a whole number of them but for the rounding of doubles stays as it is.
  return threeFigures(Math.ceil(value * unit * (1 - 1e-12)) / unit);
}

function decimalsOf(value: number): number {
  return Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) * 1.0005))));
}

/** `1234567.5` -> `1,234,567.5`. */
export function withThousands(value: number | string): string {
  const [whole = '', fraction] = String(value).split('.');
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A share as a number of percent, as it was given rather than rounded: 90, 99.5. */
export function plainPercent(share: number): number {
  return Number((share * 100).toPrecision(9));
}

/** Share as a percentage with one decimal, or up to three where fewer would read 0 % or 100 %: `92.4 %`, `99.98 %`. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  const digits = [1, 2].find((each) => !['0', '100'].includes(String(Number(percent.toFixed(each))))) ?? 3;
  return `${percent.toFixed(digits)} %`;
}

/** A share and its limit as percentages, with as many decimals as tell them apart: `1.04 %` and `1.00 %`. */
export function sharesApart(share: number, limit: number): readonly [share: string, limit: string] {
  return apart(share, limit, (value, digits) => `${(value * 100).toFixed(digits)} %`, formatShare);
}

/** As `sharesApart`, of milliseconds: `2.001 ms` and `2.000 ms`. */
export function msApart(ms: number, limit: number): readonly [ms: string, limit: string] {
  return apart(ms, limit, (value, digits) => `${withThousands(value.toFixed(digits))} ms`, formatMs);
}

/** Tried in order; what differs by less does so by rounding. */
const DECIMALS = [2, 3, 4, 5, 6] as const;

function apart(
  value: number,
  limit: number,
  withDecimals: (value: number, digits: number) => string,
  plain: (value: number) => string,
): readonly [string, string] {
  const forms = [
    plain,
    ...DECIMALS.map(
      (digits) =>
        (of: number): string =>
          withDecimals(of, digits),
    ),
  ];
  const telling = value === limit ? plain : (forms.find((form) => form(value) !== form(limit)) ?? plain);
  return [telling(value), telling(limit)];
}
