import { GOAL, hasLimits, type Limits } from '../../src/core/slo.ts';
import { limitUs } from '../../src/metrics/judge.ts';
import { keepOnly } from '../../src/metrics/keep-only.ts';
import { ascendingOrder } from '../../src/metrics/ascending-order.ts';
import { release } from '../../src/core/release.ts';
import type { LatencyRequests } from './latency-requests.ts';
import { RankedSet } from './ranked-set.ts';

/** The shares whose contours are drawn, in percent. */
export const LEVELS_PERCENT = [50, 90, 95, 99] as const;
/** Drawn instead if even the lowest of those is not reached. */
const LOW_LEVELS_PERCENT = [10, 25] as const;

/** A TTFT limit, and the strictest TPOT limit that a level's share of requests meets together with it. */
interface ContourPoint {
  readonly ttft_ms: number;
  readonly tpot_ms: number;
}

export interface SloPlane {
  /** The share of requests that is wanted, in percent: not a fraction, which rounding would move. */
  readonly at_percent: number;
  /**
   * Each point is exact; TPOT falls as TTFT rises. A level without points is reached by no limits. Low levels if 50 % is
   * not reached.
   */
  readonly contours: readonly { readonly percent: number; readonly points: readonly ContourPoint[] }[];
  /** Share of requests that meets the SLO; null without an SLO. */
  readonly share_at_slo: number | null;
  /** The strictest TTFT limit that the share wanted meets with the SLO's TPOT limit (any TPOT without one); null if there is none. */
  readonly strictest_ttft_ms: number | null;
  /** The same for TPOT, with the SLO's TTFT limit. */
  readonly strictest_tpot_ms: number | null;
  readonly requests: number;
  /** Requests that no pair of limits can satisfy: they failed, or missed another limit of the SLO. */
  readonly never: number;
}

const MAX_POINTS = 160;

type Column = Float64Array<ArrayBuffer>;

/**
 * The pairs of limits on TTFT and TPOT that given shares of the requests would have met. `at`: the share that is to meet
 * the SLO. A single token has no TPOT, which meets every limit: 0.
 */
export function sloPlane(all: LatencyRequests, slo: Limits, at: number = GOAL): SloPlane {
  const [ttft, tpot] = [all.within(all.ttftUs()), all.within(all.tpotUs())];
  for (let i = 0; i < tpot.length; i++) if (Number.isNaN(tpot[i])) tpot[i] = 0;
  const atPercent = Number((at * 100).toFixed(3));
  const requests = all.answered + all.failed;
  const never = requests - ttft.length;
  const ttftLimit = slo.ttft === undefined ? Infinity : limitUs(slo.ttft);
  const tpotLimit = slo.tpot === undefined ? Infinity : limitUs(slo.tpot);
  let met = 0;
  for (let i = 0; i < ttft.length; i++)
    if ((ttft[i] ?? Infinity) <= ttftLimit && (tpot[i] ?? Infinity) <= tpotLimit) met++;
  const wanted = countFor(atPercent, requests);
  const levels = countFor(LEVELS_PERCENT[0], requests) <= ttft.length ? withLevel(atPercent) : LOW_LEVELS_PERCENT;
  const contours = contoursOf({ ttft, tpot, levels, requests }, Number.isFinite(ttftLimit) ? ttftLimit : null);
  const strictestTtft = strictest(ttft, tpot, tpotLimit, wanted);
  const strictestTpot = strictest(tpot, ttft, ttftLimit, wanted);
  release(ttft, tpot);
  return {
    at_percent: atPercent,
    contours,
    share_at_slo: !hasLimits(slo) || requests === 0 ? null : met / requests,
    strictest_ttft_ms: strictestTtft,
    strictest_tpot_ms: strictestTpot,
    requests,
    never,
  };
}

/** The wanted share among the shares that are always drawn. */
function withLevel(percent: number): number[] {
  return [...new Set([...LEVELS_PERCENT, percent])].sort((a, b) => a - b);
}

/** The smallest number of `requests` that is at least `percent` of them. */
function countFor(percent: number, requests: number): number {
  return Math.max(1, Math.ceil((percent * requests) / 100 - 1e-9));
}

/** The smallest limit on `values`, in ms, that `wanted` requests meet, counting those whose `others` are within `otherLimit`. */
function strictest(values: Column, others: Float64Array, otherLimit: number, wanted: number): number | null {
  const kept = keepOnly(values.slice(), (_, i) => (others[i] ?? Infinity) <= otherLimit);
  const value = kept.sort()[wanted - 1];
  release(kept);
  return value === undefined ? null : value / 1000;
}

interface Plane {
  readonly ttft: Column;
  readonly tpot: Column;
  readonly levels: readonly number[];
  readonly requests: number;
}

/**
 * Requests enter in the order of their TTFT; at each TTFT limit that is drawn, the strictest TPOT limit for a level is
 * an order statistic of those that have entered.
 */
function contoursOf({ ttft, tpot, levels, requests }: Plane, limit: number | null): SloPlane['contours'] {
  const order = ascendingOrder(ttft);
  const set = new RankedSet(tpot);
  const points = levels.map((percent) => ({ percent, points: [] as ContourPoint[] }));
  let next = 0;
  for (const x of limitsDrawn(ttft, countFor(levels[0] ?? 0, requests), limit)) {
    for (; next < order.length && (ttft[order[next] ?? 0] ?? Infinity) <= x; next++) set.add(order[next] ?? 0);
    for (const contour of points) {
      const y = set.smallest(countFor(contour.percent, requests));
      if (y !== null) contour.points.push({ ttft_ms: x / 1000, tpot_ms: y / 1000 });
    }
  }
  release(order);
  set.release();
  return points;
}

/** Rising TTFT limits in microseconds, log-spaced from the `first`-smallest TTFT (no contour begins below it) to the largest. */
function limitsDrawn(ttfts: Column, first: number, limit: number | null): number[] {
  const sorted = ttfts.slice().sort();
  const low = Math.max(1, sorted[first - 1] ?? sorted[0] ?? 1);
  const high = Math.max(low, sorted.at(-1) ?? low);
  release(sorted);
  const limits = new Set<number>([low, high]);
  for (let i = 1; i < MAX_POINTS; i++) limits.add(Math.round(low * (high / low) ** (i / MAX_POINTS)));
  if (limit !== null && limit > low && limit < high) limits.add(limit);
  return [...limits].sort((a, b) => a - b);
}
