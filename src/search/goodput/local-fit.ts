import { exp, ln } from '../../core/portable-math.ts';
import { studentT975 } from '../../core/student-t.ts';

/** What is known of a segment of the load at one rate. */
export interface SegmentCounts {
  readonly lnRate: number;
  /** Requests that met the SLO, of those whose outcome is decided. */
  readonly met: number;
  readonly decided: number;
}

/** A straight line of the logit of the attainment in ln rate, and where it crosses a goal. */
export interface LocalFit {
  /** ln rate at which the line attains the goal. */
  readonly lnRate: number;
  /** Half width of the 95 % interval of that, in ln rate; infinite with fewer than three segments. */
  readonly halfWidth: number;
  readonly slope: number;
  /** Logit at the origin, `aboutLnRate`. */
  readonly intercept: number;
  readonly aboutLnRate: number;
  readonly segments: number;
}

/**
 * Attainment falls about so fast in ln rate where it is 0.9: between systems from -2 to -20. The prior keeps a few
 * segments from saying that it does not fall.
 */
const PRIOR = { slope: -8, precision: 50 / 16 };
const FLATTEST_SLOPE = -2;
/** A logit beyond this is no share that 500 requests can tell. */
const MOST_LOGIT = 12;
const NEWTON_STEPS = 50;
/** What the sandwich is too narrow by, as measured (`statistics.md`, "of traffic like this", 5). */
const WIDENING = 1.2;
const MOST_CORRELATION = 0.8;

/**
 * Logistic regression of the attainment on ln rate near `aboutLnRate`, whose slope has a prior, and its crossing with the
 * goal. The interval is that of the sandwich estimator with segments as clusters, because the requests of a segment share
 * a queue, widened by the correlation of successive segments. `segments`: one at least, in order of time.
 */
export function fitLocally(segments: readonly SegmentCounts[], goal: number, aboutLnRate: number): LocalFit {
  const { intercept, slope } = coefficients(segments, goal, aboutLnRate);
  const x = (logit(goal) - intercept) / slope;
  return {
    lnRate: aboutLnRate + x,
    halfWidth: halfWidthOf(segments, { intercept, slope, aboutLnRate }, x),
    slope,
    intercept,
    aboutLnRate,
    segments: segments.length,
  };
}

/** The share that a fit expects to attain at a rate. */
export function expectedShare(
  { intercept, slope, aboutLnRate }: Pick<LocalFit, 'intercept' | 'slope' | 'aboutLnRate'>,
  lnRate: number,
): number {
  return 1 / (1 + exp(-(intercept + slope * (lnRate - aboutLnRate))));
}

function coefficients(
  segments: readonly SegmentCounts[],
  goal: number,
  aboutLnRate: number,
): { intercept: number; slope: number } {
  let intercept = logit(goal);
  let slope = PRIOR.slope;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const information = informationOf(segments, { intercept, slope, aboutLnRate });
    const { ofIntercept, ofSlope } = scoreOf(segments, { intercept, slope, aboutLnRate });
    const [a, b] = solved(information, [ofIntercept, ofSlope]);
    const nextSlope = Math.min(FLATTEST_SLOPE, slope + limited(b, 4));
    // On the bound of the slope the intercept alone is fitted.
    const isBound = nextSlope === FLATTEST_SLOPE && slope === FLATTEST_SLOPE;
    const change = isBound ? ofIntercept / Math.max(information[0], 1e-9) : a;
    const nextIntercept = Math.max(-MOST_LOGIT, Math.min(MOST_LOGIT, intercept + limited(change, 2)));
    const isSettled = Math.abs(nextIntercept - intercept) < 1e-10 && Math.abs(nextSlope - slope) < 1e-10;
    [intercept, slope] = [nextIntercept, nextSlope];
    if (isSettled) break;
  }
  return { intercept, slope };
}

type Line = Pick<LocalFit, 'intercept' | 'slope' | 'aboutLnRate'>;

function scoreOf(segments: readonly SegmentCounts[], line: Line): { ofIntercept: number; ofSlope: number } {
  let ofIntercept = 0;
  let ofSlope = -PRIOR.precision * (line.slope - PRIOR.slope);
  for (const { lnRate, met, decided } of segments) {
    const residual = met - decided * expectedShare(line, lnRate);
    ofIntercept += residual;
    ofSlope += residual * (lnRate - line.aboutLnRate);
  }
  return { ofIntercept, ofSlope };
}

/** A symmetric matrix of two rows: [first, off the diagonal, last]. */
type Symmetric = readonly [number, number, number];

function informationOf(segments: readonly SegmentCounts[], line: Line): Symmetric {
  let [aa, ab, bb] = [0, 0, PRIOR.precision];
  for (const { lnRate, decided } of segments) {
    const share = expectedShare(line, lnRate);
    const weight = decided * share * (1 - share);
    const x = lnRate - line.aboutLnRate;
    aa += weight;
    ab += weight * x;
    bb += weight * x * x;
  }
  return [aa, ab, bb];
}

function halfWidthOf(segments: readonly SegmentCounts[], line: Line, x: number): number {
  const k = segments.length;
  if (k < 3) return Infinity;
  const information = informationOf(segments, line);
  // What the crossing changes by with the coefficients: -1/slope and -x/slope.
  const [a, b] = solved(information, [-1 / line.slope, -x / line.slope]);
  let variance = 0;
  const residuals: number[] = [];
  for (const { lnRate, met, decided } of segments) {
    const share = expectedShare(line, lnRate);
    const residual = met - decided * share;
    const influence = residual * (a + b * (lnRate - line.aboutLnRate));
    variance += influence * influence;
    residuals.push(residual / Math.sqrt(Math.max(1e-9, decided * share * (1 - share))));
  }
  const r = correlationOf(residuals);
  const inflation = (k / (k - 2)) * ((1 + r) / (1 - r));
  return WIDENING * studentT975(Math.max(2, k - 2)) * Math.sqrt(variance * inflation);
}

/** First autocorrelation plus 1/k, which it is too small by on average. */
function correlationOf(residuals: readonly number[]): number {
  let [own, next] = [0, 0];
  for (const [i, residual] of residuals.entries()) {
    own += residual * residual;
    next += residual * (residuals[i + 1] ?? 0);
  }
  const found = own === 0 ? 0 : next / own;
  return Math.max(0, Math.min(MOST_CORRELATION, found + 1 / residuals.length));
}

function solved([aa, ab, bb]: Symmetric, [a, b]: readonly [number, number]): readonly [number, number] {
  const determinant = Math.max(aa * bb - ab * ab, 1e-12);
  return [(bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant];
}

function limited(change: number, most: number): number {
  return Math.max(-most, Math.min(most, change));
}

function logit(share: number): number {
  return ln(share / (1 - share));
}
