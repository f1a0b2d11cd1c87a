import { ln } from '../core/portable-math.ts';
import { studentTQuantile } from '../core/student-t.ts';
import type { NightLevel } from '../trend/baseline.ts';

/** How the logarithm of a figure changes from one system to another. */
export interface Change {
  /** ln(new / base), of the means of the logarithms. */
  readonly ln: number;
  /** Its standard error, 0 where runs repeat exactly; null: one run stands for a system. */
  readonly error: number | null;
  /** Degrees of freedom of the error; null without one. */
  readonly df: number | null;
  /** Standard deviation of the logarithm from run to run; null: not known. */
  readonly runSd: number | null;
  /** ln is known to no less than this, however well runs repeat: so coarse are the figures. Absent: exactly. */
  readonly resolution?: number;
  /**
   * What the clocks of the clients alone may make of it (`src/certificate/clock-error.ts`): a bias, which no repeat shows,
   * and which is added to the half width of an interval. Absent: not known, and nothing is added.
   */
  readonly clock?: number;
}

/** How the runs of two systems were made; nights: one run of each, and earlier nights. */
export type Order = 'paired' | 'separate' | 'exact' | 'nights';

/**
 * Of figures above zero. `paired`: the i-th run of the one was made beside the i-th of the other, as in A B B A, which
 * keeps a drift of the machine out: a t test on the differences. `separate`: Welch's. `exact`: runs that repeat to the
 * bit. `step`: figures are whole multiples of it; runs of one number are then known to spread by no less than rounding
 * does.
 */
export function changeOf(base: readonly number[], now: readonly number[], order: Order, step = 0): Change {
  const [a, b] = [base.map(ln), now.map(ln)];
  const change = meanOf(b) - meanOf(a);
  const varianceOfRounding = (values: readonly number[]): number => (step / meanOf(values)) ** 2 / 12;
  const [leastA, leastB] = [varianceOfRounding(base), varianceOfRounding(now)];
  if (order === 'exact') return { ln: change, error: 0, df: null, runSd: 0 };
  if (a.length < 2 || b.length < 2) return { ln: change, error: null, df: null, runSd: null };
  if (order === 'paired' && a.length === b.length) {
    const variance = Math.max(leastA + leastB, varianceOf(b.map((one, i) => one - (a[i] ?? one))));
    return {
      ln: change,
      error: Math.sqrt(variance / a.length),
      df: a.length - 1,
      runSd: Math.sqrt(variance / 2),
    };
  }
  const [ofA, ofB] = [varianceOf(a) / a.length, varianceOf(b) / b.length];
  // Of the spread that was seen: what rounding adds to it is no more knowledge of it.
  const degrees = (ofA + ofB) ** 2 / (ofA ** 2 / (a.length - 1) + ofB ** 2 / (b.length - 1));
  const [varianceA, varianceB] = [Math.max(leastA, varianceOf(a)), Math.max(leastB, varianceOf(b))];
  return {
    ln: change,
    error: Math.sqrt(varianceA / a.length + varianceB / b.length),
    df: Number.isFinite(degrees) ? degrees : a.length + b.length - 2,
    runSd: Math.sqrt((varianceA + varianceB) / 2),
  };
}

/** Of one run from the level of earlier nights, whose spread gives the error. */
export function changeOfNight(now: number, { lnCentre, nights, lnSd, df }: NightLevel): Change {
  return { ln: ln(now) - lnCentre, error: lnSd * Math.sqrt(1 + 1 / nights), df, runSd: lnSd };
}

/**
 * The two-sided interval that holds ln(new / base) with this chance; null without an error. Runs that spread by more
 * than their figures are coarse show that in their spread.
 */
export function intervalOf(
  { ln: change, error, df, resolution = 0, clock = 0 }: Change,
  chance: number,
): readonly [number, number] | null {
  if (error === null) return null;
  const spread = error === 0 || df === null ? 0 : studentTQuantile(0.5 + chance / 2, df) * error;
  const half = Math.max(spread, resolution) + clock;
  return [change - half, change + half];
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / (values.length - 1);
}
