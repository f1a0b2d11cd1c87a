import { studentT975 } from '../core/student-t.ts';
import { type JudgedRequests, SLACK_OF_2, type Span, spanOf } from './judged-requests.ts';
import { isOverloaded } from './overload.ts';
import { release } from '../core/release.ts';
import { nearestRank, sum } from './samples.ts';
import { wilson } from './wilson.ts';

/** Blocks of equal time: no interval below the first number, no more than the second. */
const MIN_BLOCKS = 10;
const MAX_BLOCKS = 60;
/** Where more than this share met, the tail of the slack says more than how many missed. */
const NEARLY_ALL = 0.97;
/** What `sufficient` asks for: blocks, independent slacks, and spans as long as the arrivals' slowest swing. */
const SUFFICIENT = { blocks: 20, slacks: 20, lags: 15 };

export interface AttainmentInterval {
  readonly ci95: readonly [number, number] | null;
  readonly nEff: number | null;
  readonly sufficient: boolean;
  readonly overloaded: boolean;
}

/**
 * 95 % interval of the share that met the SLO, for load like these requests (`statistics.md`, "Attainment of one run").
 * Requests near in time share a queue: how much less they tell than as many independent ones, the design effect, is
 * measured on sums over blocks of equal time. It is the larger of what the requests that met show and what their slack
 * does, because few misses hide their dependence. Wilson's interval then has as many requests as are independent, and
 * Student's t for as many blocks.
 */
export function attainmentInterval(requests: JudgedRequests): AttainmentInterval {
  const span = spanOf(requests.dueUs);
  const count = blockCount(requests, span);
  const none = { ci95: null, nEff: null, sufficient: false };
  const slackAt = withFailures(requests.slacks);
  if (slackAt === null) return ofFailures(requests.met.length, count);
  if (count < MIN_BLOCKS) return { ...none, overloaded: isOverloaded(requests, span) };

  const n = requests.met.length;
  const blocks = blocksOf(requests.dueUs, span, count);
  const p = sum(requests.met) / n;
  const sorted = new Float64Array(n);
  for (let i = 0; i < n; i++) sorted[i] = slackAt(i);
  sorted.sort();
  const p90 = nearestRank(sorted, 900) ?? 0;
  const variance = sampleVariance(sorted);
  release(sorted);
  const met = ofShare(blocks, (i) => requests.met[i] ?? 0);
  const tail = ofShare(blocks, (i) => (slackAt(i) <= p90 ? 1 : 0));
  const slack = dependence(blocks, slackAt, variance);

  const { effect, df } = combine(p, met, slack, tail);
  return {
    ci95: wilson(p, n / effect, studentT975(df)),
    nEff: Math.max(1, Math.round(n / effect)),
    sufficient:
      count >= SUFFICIENT.blocks &&
      n / slack.effect >= SUFFICIENT.slacks &&
      outlastsSwings(requests.dueUs, span, SUFFICIENT.lags),
    overloaded: false,
  };
}

export type Support = 'met' | 'missed' | 'unsure';

/**
 * Where no request was answered nothing shows how much they depend on one another: they count as no more than the blocks
 * of the span, and at least as so many that a server that answers nothing has missed any common goal.
 */
function ofFailures(n: number, blocks: number): AttainmentInterval {
  const none = { ci95: null, nEff: null, sufficient: false, overloaded: false };
  if (n === 0) return none;
  const nEff = Math.min(n, Math.max(MIN_BLOCKS, blocks));
  return { ...none, ci95: wilson(0, nEff, studentT975(Math.max(2, nEff - 1))), nEff };
}

/**
 * What an interval says of a goal, and `joint`, the share that met. Only an interval that leaves the goal out decides,
 * and a run that missed it while its backlog still grew at its end; else it cannot be told.
 */
export function supports(
  { ci95, overloaded, joint }: Pick<AttainmentInterval, 'ci95' | 'overloaded'> & { readonly joint: number },
  goal: number,
): Support {
  if (overloaded) return joint < goal ? 'missed' : 'unsure';
  if (ci95 === null) return 'unsure';
  if (ci95[0] >= goal) return 'met';
  return ci95[1] < goal ? 'missed' : 'unsure';
}

/** As many blocks as stays fit into the span: requests of blocks that are not neighbours hardly meet. */
function blockCount({ staysUs }: JudgedRequests, { lengthUs }: Span): number {
  const sorted = new Float64Array(staysUs).sort();
  const stay = nearestRank(sorted, 900);
  release(sorted);
  if (stay === null || lengthUs === 0) return 0;
  return Math.min(MAX_BLOCKS, Math.floor(lengthUs / stay));
}

/** The slack of each request, of failed ones above every other by a factor of 2; null where every request failed. */
function withFailures(slacks: Float64Array): OfRequest | null {
  const largest = slacks.reduce((max, slack) => (slack > max ? slack : max), Number.NEGATIVE_INFINITY);
  if (largest === Number.NEGATIVE_INFINITY) return null;
  return (i) => {
    const slack = slacks[i] ?? Number.NaN;
    return Number.isNaN(slack) ? largest + SLACK_OF_2 : slack;
  };
}

/** A value of each request. */
type OfRequest = (i: number) => number;

/** Which block each request is due in, and how many each block has. */
interface Blocks {
  readonly of: Uint8Array;
  readonly sizes: Float64Array;
}

function blocksOf(dueUs: Float64Array, { fromUs, lengthUs }: Span, count: number): Blocks {
  const of = new Uint8Array(dueUs.length).map((_, i) =>
    Math.min(count - 1, Math.floor((((dueUs[i] ?? 0) - fromUs) / lengthUs) * count)),
  );
  return { of, sizes: blockSums(of, () => 1, count) };
}

function blockSums(of: Uint8Array, value: OfRequest, count: number): Float64Array {
  const sums = new Float64Array(count);
  for (let i = 0; i < of.length; i++) {
    const block = of[i] ?? 0;
    sums[block] = (sums[block] ?? 0) + value(i);
  }
  return sums;
}

/** How the mean of requests that share a queue spreads. */
interface Dependence {
  /** Variance of the mean over that of as many independent requests, at least 1. */
  readonly effect: number;
  /** Degrees of freedom of the estimate of that variance. */
  readonly df: number;
}

/** Of the mean of values, whose variance is `variance`, from the residuals of the blocks. */
function dependence({ of, sizes }: Blocks, value: OfRequest, variance: number): Dependence {
  const n = of.length;
  const b = sizes.length;
  const mean = total(n, value) / n;
  const residuals = blockSums(of, value, b).map((inBlock, j) => inBlock - mean * (sizes[j] ?? 0));
  let squares = 0;
  let products = 0;
  for (const [j, residual] of residuals.entries()) {
    squares += residual * residual;
    products += residual * (residuals[j + 1] ?? 0);
  }
  const seen = squares === 0 ? 0 : products / squares;
  // An autocorrelation of b values is too small by about (1 + 3 rho) / b.
  const rho = Math.min(0.9, Math.max(0, seen + (1 + 3 * seen) / b));
  const factor = (1 + rho) / (1 - rho);
  const ofMean = (factor * (b / (b - 1)) * squares) / (n * n);
  return { effect: variance === 0 ? 1 : Math.max(1, (ofMean * n) / variance), df: Math.max(2, (b - 1) / factor) };
}

function ofShare(blocks: Blocks, indicator: OfRequest): Dependence {
  const n = blocks.of.length;
  const share = total(n, indicator) / n;
  return dependence(blocks, indicator, share * (1 - share));
}

function total(n: number, value: OfRequest): number {
  let all = 0;
  for (let i = 0; i < n; i++) all += value(i);
  return all;
}

/** The design effect of the share that met, and its degrees of freedom. */
function combine(p: number, met: Dependence, slack: Dependence, tail: Dependence): Dependence {
  if (p === 0 || p === 1)
    return {
      effect: Math.sqrt(tail.effect * Math.max(tail.effect, slack.effect)),
      df: Math.min(tail.df, slack.df),
    };
  const effect =
    p > NEARLY_ALL
      ? Math.max(met.effect, Math.sqrt(met.effect * tail.effect))
      : Math.sqrt(met.effect * Math.max(met.effect, slack.effect));
  return { effect, df: met.df };
}

function sampleVariance(sorted: Float64Array): number {
  const mean = sum(sorted) / sorted.length;
  let squares = 0;
  for (const value of sorted) squares += (value - mean) ** 2;
  return squares / (sorted.length - 1);
}

/** Of a second each: more than 12 days have longer ones. */
const MOST_WINDOWS = 2 ** 20;

/**
 * Whether the span is `lags` times as long as the arrivals swing: the first window of 1, 2, 4, ... s whose index of
 * dispersion that of the next does not exceed by 10 %.
 */
function outlastsSwings(dueUs: Float64Array, span: Span, lags: number): boolean {
  for (let windowUs = Math.max(1e6, span.lengthUs / MOST_WINDOWS); windowUs * lags <= span.lengthUs; windowUs *= 2)
    if (dispersion(dueUs, span, 2 * windowUs) <= 1.1 * dispersion(dueUs, span, windowUs)) return true;
  return false;
}

/** Variance over mean of the arrivals in whole windows of the span. */
function dispersion(dueUs: Float64Array, { fromUs, lengthUs }: Span, windowUs: number): number {
  const arrivals = new Float64Array(Math.floor(lengthUs / windowUs));
  for (const due of dueUs) {
    const window = Math.floor((due - fromUs) / windowUs);
    if (window < arrivals.length) arrivals[window] = (arrivals[window] ?? 0) + 1;
  }
  const mean = sum(arrivals) / arrivals.length;
  return mean === 0 ? 0 : sampleVariance(arrivals) / mean;
}
