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
  const sorted = requests.in_flight.slice().sort();
  const upTo = sorted[Math.max(ENOUGH, Math.ceil(QUIET * sorted.length)) - 1] ?? 0;
  const quiet = missesWhere(requests, (inFlight) => inFlight <= upTo);
  if (quiet.missed < OUT_OF_REACH + DEVIATIONS * Math.sqrt(0.25 / quiet.requests)) return null;
  const isAlone = upTo <= Math.max(ALONE, ALONE_SHARE * (sorted.at(-1) ?? 0));
  return { up_to: upTo, share: quiet.requests / sorted.length, missed: quiet.missed, isAlone };
}

/** Requests by how many others were in flight, and the share of them that missed. */
export function missesWhere(
  { in_flight, missed }: CourseRequests,
  isIn: (inFlight: number) => boolean,
): { readonly requests: number; readonly missed: number } {
  let [requests, misses] = [0, 0];
  for (const [i, inFlight] of in_flight.entries()) {
    if (!isIn(inFlight)) continue;
    requests++;
    misses += missed[i] ?? 0;
  }
  return { requests, missed: misses / Math.max(1, requests) };
}
