import { cusumOf, FIRST_NIGHTS, LATER_NIGHTS, MOST, windowOf, type Cusum } from './cusum.ts';
import { levelOf, standardised } from './level.ts';

/** Earlier nights that a verdict on one night needs: it is the twentieth itself. */
export const NEEDED_NIGHTS = FIRST_NIGHTS - 1;

/** What one night is compared with, of the logarithms of a figure. */
export interface NightLevel {
  /** Mean of the nights of the accepted level. */
  readonly lnCentre: number;
  /** How many they are. */
  readonly nights: number;
  /** Standard deviation of one night, and its degrees of freedom. */
  readonly lnSd: number;
  readonly df: number;
}

/**
 * The level that was accepted, and how nights spread about it. `values`: logarithms of the earlier nights in order,
 * `accepted` the place of the accepted one. The level is that of the first nights of its stretch between two changes,
 * once these suffice; before, of those up to the accepted one, which whoever accepted it has seen. Where a stretch has
 * too few nights the spread is that within all stretches; where all of them are too few, that of `others`, the nights of
 * another branch. A night far off that was accepted is a level of its own, before the CUSUM raises it. Null: too few
 * there too, or a night of the level failed.
 */
export function nightLevel(
  values: readonly number[],
  accepted: number,
  others: readonly number[] = [],
): NightLevel | null {
  const cusum = cusumOf(values);
  const own = cusum.stretches.find(({ from, to }) => accepted >= from && accepted < to);
  if (own === undefined) return null;
  const length = own.to - own.from;
  if (length >= NEEDED_NIGHTS) {
    const nights = values.slice(own.from, Math.min(own.to, own.from + windowOf(length)));
    const chosen = values[accepted] ?? Number.NaN;
    const isOfLevel = Math.abs(standardised(chosen, levelOf(nights))) <= MOST;
    const window = bounded(nights);
    return levelFrom(isOfLevel || accepted === own.from ? window : [chosen], within([window]));
  }
  const seen = bounded(values.slice(own.from, accepted + 1));
  const spread = spreadOf(values, cusum) ?? spreadOf(others, cusumOf(others));
  return spread === null ? null : levelFrom(seen, spread);
}

/** Nights that are missing until one can be judged. */
export function missingNights(earlier: number, ofOthers: number): number {
  return Math.max(0, NEEDED_NIGHTS - Math.max(earlier, ofOthers));
}

interface Spread {
  readonly lnSd: number;
  readonly df: number;
}

function spreadOf(values: readonly number[], { stretches }: Cusum): Spread | null {
  if (values.length < NEEDED_NIGHTS) return null;
  return within(stretches.map(({ from, to }) => bounded(values.slice(from, Math.min(to, from + LATER_NIGHTS)))));
}

/** The pooled deviation within groups; null without two nights in one. */
function within(groups: readonly (readonly number[])[]): Spread | null {
  let [squares, df] = [0, 0];
  for (const group of groups.filter(({ length }) => length > 1)) {
    const mean = meanOf(group);
    for (const value of group) squares += (value - mean) ** 2;
    df += group.length - 1;
  }
  return df === 0 || !Number.isFinite(squares) ? null : { lnSd: Math.sqrt(squares / df), df };
}

function levelFrom(window: readonly number[], spread: Spread | null): NightLevel | null {
  const lnCentre = meanOf(window);
  return spread === null || !Number.isFinite(lnCentre) ? null : { lnCentre, nights: window.length, ...spread };
}

/** Single nights that failed, or went far off, count as much as the farthest that usually occurs, as in the CUSUM. */
function bounded(values: readonly number[]): readonly number[] {
  if (values.length < NEEDED_NIGHTS) return values;
  const level = levelOf(values);
  return values.map((value) => {
    const score = standardised(value, level);
    return Math.abs(score) <= MOST || level.spread === 0
      ? value
      : level.centre + Math.sign(score) * MOST * level.spread;
  });
}

/** Equal values have exactly their value as the mean: a sum would round it. */
function meanOf(values: readonly number[]): number {
  const [first = Number.NaN] = values;
  return first + values.reduce((sum, value) => sum + (value - first), 0) / values.length;
}
