import { metricLabel } from '../../reports/index.ts';
import { exp, ln } from '../core/portable-math.ts';
import { studentTTail } from '../core/student-t.ts';
import { formatShare } from '../core/units.ts';
import type { Comparison, FigureName } from '../schema/comparison.ts';
import { meanOf, type Order } from './change.ts';
import type { LoadedRun } from './load-runs.ts';
import { adjusted } from './verdicts.ts';

/** A drift may be claimed up to this adjusted chance of being none. */
const LEVEL = 0.05;
/** Means of the places of both sides that are nearer than this, in runs, have a drift in both alike. */
const BALANCED = 0.5;

/** The values of a metric, each by its run. */
export interface DriftingMetric {
  readonly name: FigureName;
  readonly base: readonly number[];
  readonly now: readonly number[];
  /** Whether each value has a logarithm. */
  readonly isFinite: boolean;
}

/** Where the runs of each side stand among all runs in order of their starts, from 0. */
export interface Places {
  readonly base: readonly number[];
  readonly now: readonly number[];
}

export function placesOf(base: readonly LoadedRun[], now: readonly LoadedRun[]): Places {
  const all = [...base, ...now].toSorted((a, b) => (a.manifest.started_at < b.manifest.started_at ? -1 : 1));
  const places = new Map(all.map((run, place) => [run, place]));
  const of = (runs: readonly LoadedRun[]): number[] => runs.map((run) => places.get(run) ?? 0);
  return { base: of(base), now: of(now) };
}

export interface Drift {
  readonly name: FigureName;
  /** How much more, as a share, each run has than the one before. */
  readonly perRun: number;
}

/**
 * The metrics that drift over the order of the runs, the surest first: with the means of both sides taken out, a t test of
 * a linear trend of the logarithms, and Holm's adjustment over the metrics.
 */
export function driftsOf(metrics: readonly DriftingMetric[], places: Places): Drift[] {
  const trends = metrics.map(({ base, now, isFinite }) => {
    const isConstant = new Set([...base, ...now]).size === 1;
    return isFinite && !isConstant ? trendOf([base, now], [places.base, places.now]) : null;
  });
  const adjustedPs = adjusted(trends.map((trend) => trend?.pValue ?? null));
  return metrics
    .flatMap(({ name }, i) => {
      const [trend = null, p = null] = [trends[i], adjustedPs[i]];
      return trend === null || p === null || p > LEVEL ? [] : [{ name, perRun: exp(trend.slope) - 1, p: trend.pValue }];
    })
    .toSorted((a, b) => a.p - b.p)
    .map(({ name, perRun }) => ({ name, perRun }));
}

/** Slope of ln(value) a place; null with too few runs to tell. */
function trendOf(
  sides: readonly (readonly number[])[],
  places: readonly (readonly number[])[],
): { readonly slope: number; readonly pValue: number } | null {
  const x = places.flatMap(centred);
  const y = sides.flatMap((values) => centred(values.map(ln)));
  const df = x.length - sides.length - 1;
  const spread = dot(x, x);
  if (df < 1 || spread === 0) return null;
  const slope = dot(x, y) / spread;
  const rests = y.map((value, i) => value - slope * (x[i] ?? 0));
  const error = Math.sqrt(dot(rests, rests) / df / spread);
  if (error === 0) return { slope, pValue: slope === 0 ? 1 : 0 };
  return { slope, pValue: Math.min(1, 2 * studentTTail(Math.abs(slope) / error, df)) };
}

function centred(values: readonly number[]): number[] {
  const mean = meanOf(values);
  return values.map((value) => value - mean);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, value, i) => total + value * (b[i] ?? 0), 0);
}

/**
 * Says of a drift whether it is in the comparison too: not where the runs of both sides are as late in the order as those
 * of the other, in pairs. Runs in virtual time have no order.
 */
export function driftDoubts(
  metrics: readonly DriftingMetric[],
  places: Places,
  order: Order,
): Comparison['doubts'][number][] {
  const [surest, ...others] = order === 'exact' ? [] : driftsOf(metrics, places);
  if (surest === undefined) return [];
  const { name, perRun } = surest;
  const count = places.base.length + places.now.length;
  const too = others.length === 0 ? '' : ` (and ${others.map((other) => metricLabel(other.name)).join(', ')} too)`;
  const what = `${metricLabel(name)} ${perRun > 0 ? 'grew' : 'fell'} by ${formatShare(Math.abs(perRun))} a run over the ${count} runs${too}`;
  const isKeptOut = order === 'paired' && Math.abs(meanOf(places.base) - meanOf(places.now)) < BALANCED;
  const so = isKeptOut
    ? 'A B B A keeps that out of the comparison'
    : 'the order of the runs does not keep that out of the comparison, as A B B A would (reprise ab)';
  return [{ code: 'drift', blocks: !isKeptOut, text: `${what}; ${so}` }];
}
