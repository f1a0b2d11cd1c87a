import type { JudgedRequests, Span } from './judged-requests.ts';
import { countUpTo, nearestRank, Samples } from './samples.ts';

/** Each of the last two quarters adds at least this share of its arrivals to the requests in flight. */
const LEFT_OVER = 0.1;
/** The median stay of the last quarter is at least so many times that of the second. */
const LONGER = 1.25;

interface Quarter {
  readonly stays: Samples;
  met: number;
  /** Requests that are due and have not ended when the quarter ends. */
  inFlight: number;
}

/**
 * Whether the backlog still grew when the last request came due: in both of the last two quarters of the span more
 * requests came than ended, those of the last quarter stay clearly longer than those of the second (a system that only
 * fills up keeps its stays), and most of them missed. The first quarter is left out: the system begins empty.
 */
export function isOverloaded({ dueUs, staysUs, met }: Omit<JudgedRequests, 'slacks'>, span: Span): boolean {
  if (span.lengthUs === 0) return false;
  const quarters = [1, 2, 3, 4].map((): Quarter => ({ stays: new Samples(), met: 0, inFlight: 0 }));
  for (const [i, due] of dueUs.entries()) {
    const stay = staysUs[i] ?? Infinity;
    const number = Math.min(3, Math.floor(((due - span.fromUs) / span.lengthUs) * 4));
    for (const [q, quarter] of quarters.entries()) {
      if (q === number) {
        quarter.stays.push(stay);
        quarter.met += met[i] ?? 0;
      }
      if (q >= number && due + stay > span.fromUs + (span.lengthUs * (q + 1)) / 4) quarter.inFlight++;
    }
  }
  const [, second, third, last] = quarters;
  if (second === undefined || third === undefined || last === undefined) return false;
  return (
    growsBy(second, third) && growsBy(third, last) && staysLonger(second, last) && last.met < last.stays.length / 2
  );
}

function growsBy(before: Quarter, after: Quarter): boolean {
  return after.stays.length > 0 && after.inFlight - before.inFlight >= LEFT_OVER * after.stays.length;
}

/** By the medians, and beyond two standard errors of how many of the later stays exceed the earlier median. */
function staysLonger(before: Quarter, after: Quarter): boolean {
  const later = after.stays.sorted();
  const median = nearestRank(before.stays.sorted(), 500);
  const laterMedian = nearestRank(later, 500);
  if (median === null || laterMedian === null || laterMedian < LONGER * median) return false;
  const longer = 1 - countUpTo(later, median) / later.length;
  return longer > 0.5 + Math.sqrt(1 / before.stays.length + 1 / later.length);
}
