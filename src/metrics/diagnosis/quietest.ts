import { sum } from '../samples.ts';
import type { Course, CourseRequests } from './course.ts';
import { isTelling } from './facts.ts';

/** The quietest part of the requests, by how many others were in flight when they were due, and the fewest that it needs. */
const QUIET = 0.1;
const ENOUGH = 10;
/** They had the server nearly to themselves with at most so many others, or this part of the most. */
const ALONE = 8;
const ALONE_SHARE = 0.1;
/** An SLO is out of reach where so many of them missed it, beyond chance in deviations. */
const OUT_OF_REACH = 0.5;
const DEVIATIONS = 1.5;

export interface Quietest {
  readonly up_to: number;
  /** Of the requests, and of those the part that missed. */
  readonly share: number;
  readonly missed: number;
  readonly isAlone: boolean;
}

/** The quietest requests of a run, where most of them missed the SLO; else null. */
export function quietest(course: Course): Quietest | null {
  if (!isTelling(course) || course.judged_by !== 'slo' || course.taken < ENOUGH) return null;
  const { requests } = course;
  const order = byInFlight(requests);
  const quiet = order.subarray(0, Math.max(ENOUGH, Math.ceil(QUIET * order.length)));
  const missed = missShare(requests, quiet);
  if (missed < OUT_OF_REACH + DEVIATIONS * Math.sqrt(0.25 / quiet.length)) return null;
  const [upTo, most] = [quiet, order].map((each) => requests.in_flight[each.at(-1) ?? 0] ?? 0);
  const isAlone = (upTo ?? 0) <= Math.max(ALONE, ALONE_SHARE * (most ?? 0));
  return { up_to: upTo ?? 0, share: quiet.length / order.length, missed, isAlone };
}

export function byInFlight({ in_flight: inFlight }: CourseRequests): Uint32Array {
  return Uint32Array.from(inFlight.keys()).sort((a, b) => (inFlight[a] ?? 0) - (inFlight[b] ?? 0) || a - b);
}

export function missShare({ missed }: CourseRequests, which: Uint32Array): number {
  return sum(Float64Array.from(which, (i) => missed[i] ?? 0)) / Math.max(1, which.length);
}
