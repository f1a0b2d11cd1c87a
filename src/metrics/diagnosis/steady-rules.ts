import { formatShare, threeFigures } from '../../core/units.ts';
import { burstText, slowdownText } from './burst-rule.ts';
import type { Course, CourseRequest } from './course.ts';
import { type Facts, isTelling } from './facts.ts';
import { overloadSince } from './overload-rule.ts';

/** The quietest part of the requests, by how many were in flight when they were due, and the fewest that it needs. */
const QUIET = 0.1;
const ENOUGH = 20;
/** An SLO is out of reach where so many of them missed it. */
const OUT_OF_REACH = 0.5;
/** Misses come with load where the busier half misses so many times as often, beyond chance in deviations. */
const MORE_OFTEN = 2;
const DEVIATIONS = 5;

/** The limits are missed even by requests that had the server nearly to themselves. */
export function floorText({ course }: Facts): string | null {
  if (!isSteady(course) || course.judged_by !== 'slo') return null;
  const quiet = byInFlight(course).slice(0, Math.ceil(QUIET * course.requests.length));
  if (quiet.length < ENOUGH || missShare(quiet) < OUT_OF_REACH) return null;
  const upTo = quiet.at(-1)?.in_flight ?? 0;
  return `The SLO is out of reach at any load tried here: even of the requests that came with at most ${threeFigures(upTo)} others in flight, the quietest tenth, ${formatShare(missShare(quiet))} missed it.`;
}

/** Requests miss where more others are in flight, at any time of the run. */
export function loadText(facts: Facts): string | null {
  const { course } = facts;
  const others = [floorText, burstText, slowdownText];
  if (!isSteady(course) || others.some((text) => text(facts) !== null)) return null;
  const ordered = byInFlight(course);
  const half = Math.floor(ordered.length / 2);
  const [quiet, busy] = [ordered.slice(0, half), ordered.slice(half)];
  const [few, many] = [missShare(quiet), missShare(busy)];
  const pooled = missShare(ordered);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / quiet.length + 1 / busy.length));
  if (many < MORE_OFTEN * few || many - few < DEVIATIONS * deviation) return null;
  const from = busy[0]?.in_flight ?? 0;
  const what = course.judged_by === 'slo' ? 'missed' : 'were slow';
  return `Load: with ${threeFigures(from)} and more requests in flight ${formatShare(many)} ${what}, with fewer ${formatShare(few)}.`;
}

function isSteady(course: Course | null): course is Course {
  return course !== null && isTelling(course) && overloadSince(course) === null;
}

function byInFlight({ requests }: Course): CourseRequest[] {
  return requests.toSorted((a, b) => a.in_flight - b.in_flight || a.due_s - b.due_s);
}

function missShare(requests: readonly CourseRequest[]): number {
  return requests.filter(({ missed }) => missed).length / requests.length;
}
