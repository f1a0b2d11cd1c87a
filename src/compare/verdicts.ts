import { studentTQuantile, studentTTail } from '../core/student-t.ts';
import type { ChangeVerdict } from '../schema/comparison.ts';
import type { NightLevel } from '../trend/baseline.ts';
import { changeOf, changeOfNight, intervalOf, type Change, type Order } from './change.ts';

/** What is tested: that a figure changed by more than the margin. Errors of the first kind in a family, at most. */
const LEVEL = 0.05;
const CHANCE = 0.95;
/** An effect counts as findable where it is found with this chance. */
const POWER = 0.8;
/** 2.8 = 1.96 + 0.84: standard errors that an effect must have to be found in four of five comparisons. */
const REPEATS_FACTOR = 2.8;
/** No number of repeats tells changes apart that are nearer to the margin than this. */
const LEAST_SHIFT = 0.005;

/**
 * The chance of so large a change where the true one is on the margin, in either direction, and the clocks err in its
 * favour; 1 within the margin. Null: one run stands for a system, and nothing is known of how it varies.
 */
export function pValueOf({ ln, error, df, resolution = 0, clock = 0 }: Change, margin: number): number | null {
  if (error === null) return null;
  const beyond = Math.abs(ln) - margin - clock;
  if (beyond <= resolution) return 1;
  if (error === 0 || df === null) return 0;
  return Math.min(1, 2 * studentTTail(beyond / error, df));
}

/** A metric of a family. */
export interface Tested {
  /** Null: some run has no logarithm of it. */
  readonly change: Change | null;
  readonly pValue: number | null;
  readonly adjustedP: number | null;
}

/** The values of a metric, and whether all have a logarithm. */
export interface Family {
  readonly base: readonly number[];
  readonly now: readonly number[];
  readonly isFinite: boolean;
  /** The values are whole multiples of it. */
  readonly step?: number;
  /** What one night is compared with, in place of `base`. */
  readonly level?: NightLevel | undefined;
  /** `Change.resolution`. */
  readonly resolution?: number;
  /** `Change.clock`. */
  readonly clock?: number;
}

/**
 * Tests a family for changes beyond the margin. A metric that is the same number in every run of both, such as an
 * attainment of 1, can show none, and does not count for the others (Tarone's argument).
 */
export function testFamily(family: readonly Family[], order: Order, margin: number): Tested[] {
  const isConstant = family.map(
    ({ base, now, level }) => new Set([...base, ...now]).size === 1 && (level?.lnSd ?? 0) === 0,
  );
  const changes = family.map(({ base, now, isFinite, step, level, resolution = 0, clock = 0 }, i) => {
    if (!isFinite) return null;
    const change =
      level === undefined
        ? changeOf(base, now, order, isConstant[i] === true ? 0 : step)
        : changeOfNight(now[0] ?? Number.NaN, level);
    return { ...change, resolution, clock };
  });
  const pValues = changes.map((change) => (change === null ? null : pValueOf(change, margin)));
  const adjustedPs = adjusted(pValues.map((p, i) => (isConstant[i] === true ? null : p)));
  return changes.map((change, i) => {
    const pValue = pValues[i] ?? null;
    return { change, pValue, adjustedP: isConstant[i] === true ? pValue : (adjustedPs[i] ?? null) };
  });
}

/** Holm's adjustment of the p values of a family: each is at most `LEVEL` where it may be claimed. Nulls are left out. */
export function adjusted(pValues: readonly (number | null)[]): (number | null)[] {
  const order = pValues.flatMap((p, i) => (p === null ? [] : [{ p, i }])).toSorted((a, b) => a.p - b.p || a.i - b.i);
  const out: (number | null)[] = pValues.map(() => null);
  let highest = 0;
  for (const [rank, { p, i }] of order.entries()) {
    highest = Math.max(highest, Math.min(1, p * (order.length - rank)));
    out[i] = highest;
  }
  return out;
}

/**
 * Better or worse where a change beyond the margin may be claimed; same where its 95 % interval lies within the margin;
 * else undecided. One run a system: provisional.
 */
export function verdictOf(
  change: Change,
  { margin, adjustedP, moreIsBetter }: { margin: number; adjustedP: number | null; moreIsBetter: boolean },
): ChangeVerdict {
  const interval = intervalOf(change, CHANCE);
  if (interval === null || adjustedP === null) return 'provisional';
  if (adjustedP <= LEVEL) return change.ln > 0 === moreIsBetter ? 'better' : 'worse';
  return interval[0] >= -margin && interval[1] <= margin ? 'same' : 'undecided';
}

/** The smallest change, in ln, that a comparison with such errors would find in four of five; null without an error. */
export function smallestEffect({ error, df, resolution = 0, clock = 0 }: Change, margin: number): number | null {
  if (error === null) return null;
  if (error === 0 || df === null) return margin + clock + resolution;
  const quantiles = studentTQuantile(0.5 + CHANCE / 2, df) + studentTQuantile(POWER, df);
  return margin + clock + Math.max(resolution, quantiles * error);
}

/**
 * Runs of each system that would decide, were the change as it seems; null: not known, or finer steps or a truer clock
 * would.
 */
export function repeatsToDecide({ ln, runSd, resolution = 0, clock = 0 }: Change, margin: number): number | null {
  if (runSd === null || resolution > 0) return null;
  const distance = Math.abs(Math.abs(ln) - margin);
  if (clock > 0 && distance <= clock) return null;
  const shift = Math.max(LEAST_SHIFT, distance - clock);
  return Math.max(2, Math.ceil(2 * (REPEATS_FACTOR * (runSd / shift)) ** 2 + 1));
}
