import { exp, ln } from '../../core/portable-math.ts';
import type { Schedule } from '../../core/schedule.ts';
import type { SloSpec } from '../../core/slo.ts';
import type { RequestWatcher } from '../../replay/recorder.ts';
import { EarlyVerdicts } from './early-verdicts.ts';
import type { LocalFit } from './local-fit.ts';
import { pacedRows } from './paced-rows.ts';
import { fitNear, judgedSegment, leavesBacklog, newSegment, probeMet, rowsOf, type Segment } from './segments.ts';

/** Where the goodput is thought to be once it lies between a rate and twice that rate, from the middle in ln rate. */
const FIRST_GUESS = -0.1;
/** Successive segments lie so far below and above the guess, in ln rate. */
const OFFSET = 0.08;
const MOST_MOVE = 0.25;
/** An interval of fewer segments is not believed. */
const LEAST_SEGMENTS = 16;

export interface TrafficOptions {
  readonly slo: SloSpec;
  /** Shares that are wanted, searched one after another. */
  readonly goals: readonly number[];
  /** Half width of the interval that is wanted, in ln rate. */
  readonly precision: number;
  /** Mean rate of the rows as they come, in requests a second. */
  readonly rowsRps: number;
  readonly startRps: number;
  /** No rate outside of these two is tried. */
  readonly lowestRps: number;
  readonly highestRps: number;
  readonly mostRequests: number;
  /** When it aborts, the time of the search is over. */
  readonly timeOver: AbortSignal;
  /** How long before they are due rows are asked for. */
  readonly aheadUs: number;
  /** What an earlier search has done; null: nothing. */
  readonly known: TrafficProgress | null;
  /** Position of the first row in the traffic: behind what is known. */
  readonly from: number;
  /** A part of the load begins; `fit`: what is known of the goodput by now. */
  readonly began: (segment: Segment, progress: TrafficProgress, fit: LocalFit | null) => void;
}

/** How the search for one goal ended. */
export interface TrafficEnd {
  /** The goal. */
  readonly at: number;
  readonly why: 'found' | 'below' | 'above' | 'budget';
  /** The guess then, in ln rate: the segments near it are fitted. */
  readonly aboutLnRate: number;
}

/** How far a search has come, from which it can go on. */
export interface TrafficProgress {
  readonly segments: readonly Segment[];
  /** ln rate about which segments are made; null while probes look for it. */
  readonly guess: number | null;
  /** Of the goals that are done, in their order. */
  readonly ends: readonly TrafficEnd[];
}

/** What a search may still use. */
type Budget = Pick<TrafficOptions, 'mostRequests' | 'timeOver' | 'goals'>;

/**
 * Whether another part of the load may be begun for a goal, by its number: each has its share of the requests, and what
 * those before it have left.
 */
export function hasBudget(
  { mostRequests, timeOver, goals }: Budget,
  segments: readonly Segment[],
  kind: Segment['kind'],
  goal: number,
): boolean {
  const used = segments.reduce((sum, { requests }) => sum + requests, 0);
  return !timeOver.aborted && used + rowsOf(kind) <= (mostRequests * (goal + 1)) / goals.length;
}

/** The load of a search for the goodput of traffic, which is decided as its requests end. */
export interface TrafficLoad {
  /** Gives the requests of `rows`, in their order, due times of its own. */
  readonly paced: (rows: Schedule) => Schedule;
  /** Has to see the requests. */
  readonly watcher: RequestWatcher;
  readonly progress: () => TrafficProgress;
  /** The next segment, from this position on; null: there is none. */
  readonly next: (from: number) => Segment | null;
}

/** How the search ends by what is known alone; null: it has to go on. */
export function endsByKnown(options: Omit<TrafficOptions, 'began'>): readonly TrafficEnd[] | null {
  const load = trafficLoad({ ...options, began: () => undefined });
  return load.next(options.from) === null ? load.progress().ends : null;
}

/**
 * The recipe of `statistics.md` ("of traffic like this"): probes from an empty system that double or halve the rate until
 * one has met the goal and one missed it; then segments on a running system, in turn a little below and above the rate
 * where a line through those near it crosses the goal, until that crossing is known well enough. One goal after another,
 * from the same segments.
 */
export function trafficLoad(options: TrafficOptions): TrafficLoad {
  const { slo, goals, precision, startRps, lowestRps, highestRps, known } = options;
  const segments: Segment[] = known?.segments.map((segment) => ({ ...segment })) ?? [];
  const ends: TrafficEnd[] = [...(known?.ends ?? [])];
  let guess = known?.guess ?? null;

  const next = (from: number): Segment | null => {
    for (let goal = goals[ends.length]; goal !== undefined; goal = goals[ends.length]) {
      const decision = guess === null ? probeRate(goal) : segmentRate(goal, guess);
      if (typeof decision === 'number') return begin(from, decision, goal);
      ends.push({ at: goal, why: decision, aboutLnRate: guess ?? ln(startRps) });
    }
    return null;
  };

  const probeRate = (goal: number): number | TrafficEnd['why'] => {
    const [low, high] = bracketOf(segments, goal);
    if (low !== null && high !== null) return segmentRate(goal, (ln(low) + ln(high)) / 2 + FIRST_GUESS);
    if (!mayUse('probe')) return 'budget';
    if (low !== null) return low * 2 > highestRps ? 'above' : low * 2;
    if (high !== null) return high / 2 < lowestRps ? 'below' : high / 2;
    return startRps;
  };

  const segmentRate = (goal: number, from: number): number | TrafficEnd['why'] => {
    guess = from;
    const fit = fitNear(segments, from, goal);
    if (fit !== null) {
      if (fit.segments >= LEAST_SEGMENTS && fit.halfWidth <= precision) return 'found';
      guess = from + Math.max(-MOST_MOVE, Math.min(MOST_MOVE, fit.lnRate - from));
    }
    if (!mayUse('segment')) return 'budget';
    const isLow = segments.filter(({ kind }) => kind === 'segment').length % 2 === 0;
    return exp(guess + (isLow ? -OFFSET : OFFSET));
  };

  const mayUse = (kind: Segment['kind']): boolean => hasBudget(options, segments, kind, ends.length);

  const begin = (from: number, rateRps: number, goal: number): Segment => {
    const fit = guess === null ? null : fitNear(segments, guess, goal);
    const segment = newSegment(guess === null ? 'probe' : 'segment', rateRps, from);
    segments.push(segment);
    options.began(segment, progress(), fit);
    return segment;
  };

  const progress = (): TrafficProgress => ({ segments, guess, ends });
  /** The goal that is searched for; while requests of the last end, that one. */
  const goal = (): number => goals[ends.length] ?? goals.at(-1) ?? Number.NaN;
  return {
    progress,
    next,
    watcher: new EarlyVerdicts(slo, null, (position, isMet) => {
      const segment = judgedSegment(segments, position);
      if (segment === null) return;
      if (isMet) segment.met++;
      else segment.missed++;
    }),
    paced: (rows) =>
      pacedRows(rows, {
        ...options,
        next,
        isOver: (segment) => segment.kind === 'probe' && probeMet(segment, goal()) !== null,
        leavesBacklog: (segment) => leavesBacklog(segment, goal()),
      }),
  };
}

/** The highest rate of a probe that met the goal, and the lowest of one that missed it; null: none did. */
export function bracketOf(
  segments: readonly Segment[],
  goal: number,
): readonly [low: number | null, high: number | null] {
  let [low, high]: [number | null, number | null] = [null, null];
  for (const segment of segments) {
    const met = segment.kind === 'probe' ? probeMet(segment, goal) : null;
    // Null: it was cut once another goal was decided, or as the user stopped the run.
    if (met === true) low = Math.max(low ?? 0, segment.rateRps);
    if (met === false) high = Math.min(high ?? Infinity, segment.rateRps);
  }
  return [low, high];
}
