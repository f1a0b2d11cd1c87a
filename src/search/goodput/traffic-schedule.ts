import type { Schedule } from '../../core/schedule.ts';
import type { SloSpec } from '../../core/slo.ts';
import type { ScheduledRequest } from '../../core/target.ts';
import { exp, ln } from '../../core/portable-math.ts';
import type { RequestWatcher } from '../../replay/recorder.ts';
import { EarlyVerdicts } from './early-verdicts.ts';
import { decided } from './probe-tally.ts';
import { fitLocally, type LocalFit } from './local-fit.ts';

/** Rows of a probe from an empty system, and of a segment on a running one, whose first fifth is not judged. */
export const PROBE_ROWS = 300;
export const SEGMENT_ROWS = 500;
const UNJUDGED = 0.2;
/** Where the goodput is thought to be once it lies between a rate and twice that rate, from the middle in ln rate. */
const FIRST_GUESS = -0.1;
/** Successive segments lie so far below and above the guess, in ln rate. */
const OFFSET = 0.08;
/** Segments so near to the guess are fitted; all, where they are fewer than so many. */
const NEAR = 0.3;
const FEWEST_NEAR = 4;
/** A segment of which less is decided is left out of a fit. */
const LEAST_DECIDED = 0.4;
const MOST_MOVE = 0.25;
/** An interval of fewer segments is not believed. */
export const LEAST_SEGMENTS = 16;
/** A segment with less than this share, or half of it undecided, leaves a backlog: the next begins on an empty system. */
const BACKLOG = { share: 0.75, decided: 0.5 };
/** Rows whose due times are decided at once: a probe is cut at the end of such a part. */
const PART = 16;
/** From when a system is seen to be empty to the next due time. */
const PAUSE_US = 50_000;

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
  /** False: the time of the search is over. */
  readonly hasTime: () => boolean;
  /** How long before they are due rows are asked for. */
  readonly aheadUs: number;
  /** A part of the load begins. */
  readonly began: (segment: Segment, state: TrafficState) => void;
}

/** Successive requests at one rate. */
export interface Segment {
  readonly kind: 'probe' | 'segment';
  readonly rateRps: number;
  /** Index of its first request. */
  readonly from: number;
  /** Requests at its start that are not judged. */
  readonly unjudged: number;
  /** Requests that it was to have, and those that came due. */
  readonly planned: number;
  requests: number;
  met: number;
  missed: number;
}

/** What was found for one goal. */
export interface TrafficAnswer {
  readonly at: number;
  /** Null: no segment was made, or too few are decided. */
  readonly fit: LocalFit | null;
  readonly end: 'found' | 'below' | 'above' | 'budget';
}

export interface TrafficState {
  readonly goal: number;
  /** Highest rate of a probe that met, and lowest that missed; null: none. */
  readonly bracket: readonly [number | null, number | null];
  readonly fit: LocalFit | null;
  readonly requests: number;
}

/** The load of a search for the goodput of traffic, which is decided as its requests end. */
export interface TrafficLoad {
  /** Gives the requests of `rows`, in their order, due times of its own. */
  readonly paced: (rows: Schedule) => Schedule;
  /** Has to see the requests. */
  readonly watcher: RequestWatcher;
  readonly segments: readonly Segment[];
  /** After the last request has ended. */
  readonly answers: () => readonly TrafficAnswer[];
}

/**
 * The recipe of `statistics.md` ("of traffic like this"): probes from an empty system that double or halve the rate until
 * one has met the goal and one missed it; then segments on a running system, in turn a little below and above the rate
 * where a line through those near it crosses the goal, until that crossing is known well enough. One goal after another,
 * from the same segments.
 */
export function trafficLoad(options: TrafficOptions): TrafficLoad {
  const { slo, goals, precision, startRps, lowestRps, highestRps, mostRequests, hasTime } = options;
  const segments: Segment[] = [];
  const ends: TrafficAnswer['end'][] = [];
  const guesses: number[] = [];
  let [low, high]: [number | null, number | null] = [null, null];
  let guess: number | null = null;
  let used = 0;
  let isHigh = true;

  const verdicts = new EarlyVerdicts(slo, null, (index, isMet) => {
    const segment = segments.findLast(({ from }) => from <= index);
    if (segment === undefined || index < segment.from + segment.unjudged) return;
    if (isMet) segment.met++;
    else segment.missed++;
  });

  // Deciding: what the next part of the load is; null: the search is over.
  const goal = (): number => goals[ends.length] ?? fail();
  const next = (from: number): Segment | null => {
    while (ends.length < goals.length) {
      const rateRps = guess === null ? probeRate() : segmentRate();
      if (typeof rateRps === 'number') return add(from, rateRps);
      ends.push(rateRps);
      guesses.push(guess ?? ln(low ?? high ?? startRps));
      if (rateRps === 'budget') while (ends.length < goals.length) endAt(guess, 'budget');
      else if (rateRps === 'found') guess = fitOf(guesses.at(-1) ?? 0, goals[ends.length] ?? goals[0] ?? 0)?.lnRate ?? null;
    }
    return null;
  };
  const endAt = (lnRate: number | null, end: TrafficAnswer['end']): void => {
    ends.push(end);
    guesses.push(lnRate ?? ln(startRps));
  };
  const mayUse = (rows: number): boolean => hasTime() && used + rows <= mostRequests;

  const probeRate = (): number | TrafficAnswer['end'] => {
    const last = segments.at(-1);
    if (last !== undefined) {
      if (decided({ met: last.met, missed: last.missed, of: last.planned }, goal()) === true) low = last.rateRps;
      else high = last.rateRps;
    }
    if (low !== null && high !== null) {
      guess = (ln(low) + ln(high)) / 2 + FIRST_GUESS;
      return segmentRate();
    }
    if (!mayUse(PROBE_ROWS)) return 'budget';
    if (low === null && high === null) return startRps;
    if (low !== null) return low * 2 > highestRps ? 'above' : low * 2;
    const lower = (high ?? startRps) / 2;
    return lower < lowestRps ? 'below' : lower;
  };

  const segmentRate = (): number | TrafficAnswer['end'] => {
    const from = guess ?? fail();
    const fit = fitOf(from, goal());
    if (fit !== null) {
      if (fit.segments >= LEAST_SEGMENTS && fit.halfWidth <= precision) return 'found';
      guess = from + Math.max(-MOST_MOVE, Math.min(MOST_MOVE, fit.lnRate - from));
    }
    if (!mayUse(SEGMENT_ROWS)) return 'budget';
    isHigh = !isHigh;
    return exp((guess ?? from) + (isHigh ? OFFSET : -OFFSET));
  };

  const fitOf = (about: number, at: number): LocalFit | null => {
    const all = segments.filter(({ kind, met, missed, planned, unjudged }) => {
      return kind === 'segment' && met + missed >= LEAST_DECIDED * (planned - unjudged);
    });
    const near = all.filter(({ rateRps }) => Math.abs(ln(rateRps) - about) <= NEAR);
    const fitted = near.length < FEWEST_NEAR ? all : near;
    if (fitted.length === 0) return null;
    const counts = fitted.map(({ rateRps, met, missed }) => ({ lnRate: ln(rateRps), met, decided: met + missed }));
    return fitLocally(counts, at, about);
  };

  const add = (from: number, rateRps: number): Segment => {
    const kind = guess === null ? 'probe' : 'segment';
    const planned = kind === 'probe' ? PROBE_ROWS : SEGMENT_ROWS;
    const unjudged = kind === 'probe' ? 0 : UNJUDGED * planned;
    const segment: Segment = { kind, rateRps, from, planned, unjudged, requests: 0, met: 0, missed: 0 };
    segments.push(segment);
    const fit = guess === null ? null : fitOf(guess, goal());
    options.began(segment, { goal: goal(), bracket: [low, high], fit, requests: used });
    return segment;
  };

  return {
    segments,
    watcher: verdicts,
    paced: (rows) =>
      pacedRows(rows, options, {
        next,
        isOver: ({ kind, met, missed, planned }) =>
          kind === 'probe' && decided({ met, missed, of: planned }, goal()) !== null,
        leavesBacklog: (segment) => segment.kind === 'probe' || leavesBacklog(segment, goal()),
        released: (count) => (used += count),
      }),
    answers: () =>
      ends.map((end, i) => {
        const at = goals[i] ?? fail();
        return { at, end, fit: fitOf(guesses[i] ?? 0, at) };
      }),
  };
}

function leavesBacklog({ met, missed, planned, unjudged }: Segment, goal: number): boolean {
  const done = met + missed;
  return done < BACKLOG.decided * (planned - unjudged) || met < Math.min(BACKLOG.share, goal - 0.15) * done;
}

interface Decisions {
  readonly next: (from: number) => Segment | null;
  /** Whether the rest of a segment would tell nothing more. */
  readonly isOver: (segment: Segment) => boolean;
  readonly leavesBacklog: (segment: Segment) => boolean;
  readonly released: (requests: number) => void;
}

/** Requests in the order of `rows`, each a gap after the one before that is scaled to the rate of its segment. */
function pacedRows(rows: Schedule, { rowsRps, aheadUs }: TrafficOptions, decisions: Decisions): Schedule {
  let segment: Segment | null = null;
  let waiting: readonly ScheduledRequest[] = [];
  /** Index of the next row, and its predecessor's due time among the rows. */
  let index = 0;
  let rowUs: number | null = null;
  let dueUs = 0;
  let outstanding = 0;
  let isDraining = false;
  let isEnd = false;
  return {
    aheadUs,
    async next() {
      for (;;) {
        if (isEnd || (isDraining && outstanding > 0)) return null;
        if (isDraining || segment === null || segment.requests === segment.planned || decisions.isOver(segment)) {
          if (!isDraining && segment !== null && decisions.leavesBacklog(segment)) {
            isDraining = true;
            continue;
          }
          // On an empty system the load begins anew, whatever the gap in the trace.
          if (isDraining) [dueUs, rowUs, isDraining] = [dueUs + PAUSE_US, null, false];
          segment = decisions.next(index);
          isEnd = segment === null;
          continue;
        }
        if (waiting.length === 0) {
          const batch = await rows.next();
          if (batch === null) isEnd = true;
          else waiting = batch;
          continue;
        }
        return release(segment);
      }
    },
    ended(_request, _outcome, timeUs) {
      outstanding--;
      if (isDraining) dueUs = Math.max(dueUs, timeUs);
      return [];
    },
    close: () => rows.close(),
  };

  function release(of: Segment): ScheduledRequest[] {
    const part = waiting.slice(0, Math.min(PART, of.planned - of.requests));
    waiting = waiting.slice(part.length);
    const scale = rowsRps / of.rateRps;
    const released = part.map((row) => {
      dueUs += (row.dueUs - (rowUs ?? row.dueUs)) * scale;
      rowUs = row.dueUs;
      return { ...row, dueUs: Math.round(dueUs) };
    });
    of.requests += part.length;
    index += part.length;
    outstanding += part.length;
    decisions.released(part.length);
    return released;
  }
}

function fail(): never {
  throw new Error('the search for the goodput of traffic is over');
}
