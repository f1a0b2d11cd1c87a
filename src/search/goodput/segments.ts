import { ln } from '../../core/portable-math.ts';
import { fitLocally, type LocalFit } from './local-fit.ts';
import { decided } from './probe-tally.ts';

/** Successive requests of traffic at one rate: a probe from an empty system, or a segment on a running one. */
interface SegmentPlan {
  readonly kind: 'probe' | 'segment';
  readonly rateRps: number;
  /** Position of its first request in the traffic. */
  readonly from: number;
  /** Requests that it is to have; a probe is cut once it is decided. */
  readonly planned: number;
  /** Requests at its start that are not judged: the system has not taken to the rate. */
  readonly unjudged: number;
}

export interface Segment extends SegmentPlan {
  /** Requests that came due. */
  requests: number;
  /** Of those that are judged, as far as they are decided. */
  met: number;
  missed: number;
}

const PROBE_ROWS = 300;
const SEGMENT_ROWS = 500;
const UNJUDGED = 0.2;

/** Segments so near to the guess are fitted; all, where they are fewer than so many. */
const NEAR = 0.3;
const FEWEST_NEAR = 4;
/** A segment of which less is decided is left out of a fit. */
const LEAST_DECIDED = 0.4;
/** A segment with less than this share, or half of it undecided, leaves a backlog. Of lower goals a share further below. */
const BACKLOG = { share: 0.75, belowGoal: 0.15, undecided: 0.5 };

export function newSegment(kind: Segment['kind'], rateRps: number, from: number): Segment {
  const planned = rowsOf(kind);
  const unjudged = kind === 'probe' ? 0 : UNJUDGED * planned;
  return { kind, rateRps, from, planned, unjudged, requests: 0, met: 0, missed: 0 };
}

export function rowsOf(kind: Segment['kind']): number {
  return kind === 'probe' ? PROBE_ROWS : SEGMENT_ROWS;
}

/** The segment of the request at a position; null: it is not judged. */
export function judgedSegment(segments: readonly Segment[], position: number): Segment | null {
  const segment = segments.findLast(({ from }) => from <= position);
  return segment === undefined || position < segment.from + segment.unjudged ? null : segment;
}

/** Whether a probe met a share of requests; null: not decided. */
export function probeMet({ met, missed, planned }: Segment, goal: number): boolean | null {
  return decided({ met, missed, of: planned }, goal);
}

/** Whether the next segment has to begin on an empty system, or would be judged by the backlog of this one. */
export function leavesBacklog({ kind, met, missed, planned, unjudged }: Segment, goal: number): boolean {
  const done = met + missed;
  return (
    kind === 'probe' ||
    done < BACKLOG.undecided * (planned - unjudged) ||
    met < Math.min(BACKLOG.share, goal - BACKLOG.belowGoal) * done
  );
}

/**
 * What is known of the goodput once a search has ended: null with less than three segments, or where the line crosses the
 * goal far from all of them, which says nothing.
 */
export function knownGoodput(segments: readonly Segment[], aboutLnRate: number, goal: number): LocalFit | null {
  const fit = fitNear(segments, aboutLnRate, goal);
  if (fit === null || !Number.isFinite(fit.halfWidth)) return null;
  const isNear = segments.some(({ kind, rateRps }) => kind === 'segment' && Math.abs(ln(rateRps) - fit.lnRate) <= NEAR);
  return isNear ? fit : null;
}

/** Where a line through the segments near a rate crosses a share of requests; null without one that is decided. */
export function fitNear(segments: readonly Segment[], aboutLnRate: number, goal: number): LocalFit | null {
  const all = segments.filter(
    ({ kind, met, missed, planned, unjudged }) =>
      kind === 'segment' && met + missed >= LEAST_DECIDED * (planned - unjudged),
  );
  const near = all.filter(({ rateRps }) => Math.abs(ln(rateRps) - aboutLnRate) <= NEAR);
  const fitted = near.length < FEWEST_NEAR ? all : near;
  if (fitted.length === 0) return null;
  const counts = fitted.map(({ rateRps, met, missed }) => ({ lnRate: ln(rateRps), met, decided: met + missed }));
  return fitLocally(counts, goal, aboutLnRate);
}
