import type { Course } from './course.ts';
import type { CourseBin } from './course-bins.ts';
import { isIn, seconds, type Span, spansOf, total } from './spans.ts';

/**
 * A bin is bad where its requests miss so often, and more often than all: so many times, or where most miss, half as
 * often met.
 */
const BAD_SHARE = 0.25;
const BAD_TIMES = 1.5;
/** The bad ones explain the misses where they hold this share of them in at most this share of the time. */
export const MOST_MISSES = 0.6;
const SHORT_TIME = 0.5;
/** So few spans are named one by one; misses at more times come again and again. */
export const FEW_SPANS = 3;
/** Bins that are chosen for their misses hold more than their part by chance; so many deviations are no chance. */
const DEVIATIONS = 5;
/** A span with fewer of the misses is not worth its words. */
const NAMED_SHARE = 0.02;

/** When most of the misses came. */
export interface Concentration {
  /** Bad bins that touch are one span; in order of time. */
  readonly spans: readonly Span[];
  readonly bad: readonly CourseBin[];
  readonly others: readonly CourseBin[];
}

/** The times in which most misses were due; null where they are spread over the run. */
export function concentrationOf(course: Course): Concentration | null {
  const { bins, missed, taken } = course;
  const share = missed / Math.max(1, taken);
  const limit = Math.max(BAD_SHARE, Math.min(BAD_TIMES * share, (1 + share) / 2));
  const isBad = (bin: CourseBin | undefined): boolean =>
    bin !== undefined && bin.taken > 0 && bin.missed / bin.taken >= limit;
  // A bin between two bad ones belongs to them.
  const isChosen = (i: number): boolean => isBad(bins[i]) || (isBad(bins[i - 1]) && isBad(bins[i + 1]));
  const missedIn = (span: Span): number =>
    total(
      bins.filter((bin) => isIn([span], bin)),
      'missed',
    );
  const found = atTimes(
    course,
    spansOf(bins, isChosen).filter((span) => missedIn(span) >= NAMED_SHARE * missed),
  );
  if (total(found.bad, 'missed') < MOST_MISSES * missed || seconds(found.bad) > SHORT_TIME * seconds(bins)) return null;
  return total(found.others, 'taken') === 0 ? null : found;
}

export function atTimes({ bins }: Course, spans: readonly Span[]): Concentration {
  return { spans, bad: bins.filter((bin) => isIn(spans, bin)), others: bins.filter((bin) => !isIn(spans, bin)) };
}

/** Whether misses came in a few spans, and not by chance. */
export function isEvent({ missed, taken }: Course, { spans, bad }: Concentration): boolean {
  const [share, there] = [missed / Math.max(1, taken), total(bad, 'taken')];
  const deviation = Math.sqrt(share * (1 - share) * there);
  return spans.length <= FEW_SPANS && total(bad, 'missed') - share * there >= DEVIATIONS * deviation;
}
