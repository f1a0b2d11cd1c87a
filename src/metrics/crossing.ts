import { exp, ln } from '../core/portable-math.ts';
import type { SloScale } from '../schema/attainment.ts';

/** The share that met an SLO under one load, or at one scale. */
export interface CurvePoint extends Pick<SloScale, 'attainment' | 'ci95' | 'overloaded'> {
  /** Rate or SLO scale. */
  readonly x: number;
}

/** How far a goal is attained along a curve. */
export interface Crossing {
  /**
   * The last `x` at which the goal is attained. None: the first point misses it, and this is null. All: the last point
   * attains it, and this is its `x`. Between: two neighbours enclose it.
   */
  readonly at: number | null;
  readonly state: 'none' | 'between' | 'all';
  /** The last point that attains the goal with all before it, and the first that misses it. */
  readonly last: number | null;
  readonly miss: number | null;
  /** Where the two ends of the 95 % intervals cross the goal, in ascending order; null where they do not, or one has none. */
  readonly ci95: readonly [number | null, number | null];
}

/**
 * How far along a curve a goal is attained: by each point up to there, and between the last of them and the next on a
 * straight line over the logarithm of `x`. Points stand in the order in which it becomes harder, `x` rising or falling.
 */
export function crossing(points: readonly CurvePoint[], goal: number): Crossing {
  const after = points.findIndex(({ attainment }) => attainment < goal);
  const [last, miss] = after < 0 ? [points.at(-1), undefined] : [points[after - 1], points[after]];
  const ends = [0, 1].map((end) => crossedAt(points, goal, (point) => endOf(point, end)));
  const [low = null, high = null] = (points[0]?.x ?? 0) <= (points.at(-1)?.x ?? 0) ? ends : ends.toReversed();
  return {
    at: last === undefined || miss === undefined ? (last?.x ?? null) : between(last, miss, goal, shareOf),
    state: last === undefined ? 'none' : miss === undefined ? 'all' : 'between',
    last: last?.x ?? null,
    miss: miss?.x ?? null,
    ci95: [low, high],
  };
}

type Share = (point: CurvePoint) => number | null;
const shareOf: Share = ({ attainment }) => attainment;

/** An end of a point's interval. That of an overloaded run, which would attain the less the longer it lasted, is its share. */
function endOf({ ci95, attainment, overloaded }: CurvePoint, end: number): number | null {
  if (overloaded) return attainment;
  return ci95?.[end] ?? null;
}

/** Null where the first point misses the goal, or none does, or a point up to there has no share. */
function crossedAt(points: readonly CurvePoint[], goal: number, share: Share): number | null {
  const after = points.findIndex((point) => (share(point) ?? -1) < goal);
  const [last, miss] = [points[after - 1], points[after]];
  return last === undefined || miss === undefined ? null : between(last, miss, goal, share);
}

function between(last: CurvePoint, miss: CurvePoint, goal: number, share: Share): number | null {
  const [from, to] = [share(last), share(miss)];
  if (from === null || to === null) return null;
  const part = (from - goal) / (from - to);
  return last.x * exp(part * ln(miss.x / last.x));
}
