import { type JudgedRequests, slackOf, type Span } from './judged-requests.ts';
import { countUpTo, nearestRank, Samples } from './samples.ts';

/** Each of the last two quarters adds at least this share of its arrivals to the requests in flight. */
const LEFT_OVER = 0.05;
/** The median slack of the last quarter is that of the second, times so much. */
const LATER = slackOf(1.25);

/** The requests that are due in a quarter of the span. */
interface Quarter {
  /** Infinite where a request was not answered. */
  readonly slacks: Samples;
  met: number;
  /** Requests that are due and have not ended when the quarter ends. */
  inFlight: number;
}

/**
 * Whether the backlog still grew when the last request came due: in both of the last two quarters of the span more
 * requests came than ended, those of the last quarter are clearly later than those of the second, and most of them
 * missed. A system that only fills up is as late in the end as before; the first quarter is left out, because the system
 * begins empty.
 */
export function isOverloaded({ dueUs, staysUs, met, slacks }: JudgedRequests, { fromUs, lengthUs }: Span): boolean {
  if (lengthUs === 0) return false;
  const quarters = [1, 2, 3, 4].map((): Quarter => ({ slacks: new Samples(), met: 0, inFlight: 0 }));
  for (const [i, due] of dueUs.entries()) {
    const endUs = due + (staysUs[i] ?? Infinity);
    const own = Math.min(3, Math.floor(((due - fromUs) / lengthUs) * 4));
    const slack = slacks[i] ?? Number.NaN;
    for (const [q, quarter] of quarters.entries()) {
      if (q === own) {
        quarter.slacks.push(Number.isNaN(slack) ? Infinity : slack);
        quarter.met += met[i] ?? 0;
      }
      if (q >= own && endUs > fromUs + (lengthUs * (q + 1)) / 4) quarter.inFlight++;
    }
  }
  const [, second, third, last] = quarters;
  if (second === undefined || third === undefined || last === undefined) return false;
  return grows(second, third) && grows(third, last) && isLater(second, last) && last.met < last.slacks.length / 2;
}

function grows(before: Quarter, after: Quarter): boolean {
  return after.slacks.length > 0 && after.inFlight - before.inFlight >= LEFT_OVER * after.slacks.length;
}

/** By the medians, and beyond two standard errors of how many requests exceed the earlier median. */
function isLater(before: Quarter, after: Quarter): boolean {
  const sorted = after.slacks.sorted();
  const earlier = nearestRank(before.slacks.sorted(), 500);
  const later = nearestRank(sorted, 500);
  if (earlier === null || later === null || later < earlier + LATER) return false;
  const exceeding = 1 - countUpTo(sorted, earlier) / sorted.length;
  return exceeding > 0.5 + Math.sqrt(1 / before.slacks.length + 1 / sorted.length);
}
