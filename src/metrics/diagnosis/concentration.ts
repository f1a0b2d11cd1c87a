import type { Course, CourseBin } from './course.ts';
import type { Span } from './facts.ts';
import { total } from './spans.ts';

/** A bin is bad where its requests miss so often, and so many times as often as all... */
const BAD_SHARE = 0.25;
const BAD_TIMES = 1.5;
/** ... and the bad ones explain the misses where they hold this share of them with at most this share of the requests. */
const MOST_MISSES = 0.6;
const FEW_REQUESTS = 0.5;
/** A span with fewer of the misses is not worth its words. */
const NAMED_SHARE = 0.05;

/** When most of the misses came. */
export interface Concentration {
  /** Bad bins that touch are one span; in order of time. */
  readonly spans: readonly Span[];
  readonly bad: readonly CourseBin[];
  readonly others: readonly CourseBin[];
}

/** The times in which most misses were due; null where they are spread over the run. */
export function concentrationOf({ bins, missed, requests }: Course): Concentration | null {
  const limit = Math.max(BAD_SHARE, (BAD_TIMES * missed) / requests.length);
  const isBad = (bin: CourseBin | undefined): boolean =>
    bin !== undefined && bin.due > 0 && bin.missed / bin.due >= limit;
  // A bin between two bad ones belongs to them.
  const taken = bins.map((bin, i) => isBad(bin) || (isBad(bins[i - 1]) && isBad(bins[i + 1])));
  const spans = spansOf(bins, taken).filter((span) => missedIn(bins, span) >= NAMED_SHARE * missed);
  const [bad, others] = [bins.filter((bin) => isIn(spans, bin)), bins.filter((bin) => !isIn(spans, bin))];
  if (total(bad, 'missed') < MOST_MISSES * missed || total(bad, 'due') > FEW_REQUESTS * requests.length) return null;
  return { spans, bad, others };
}

function spansOf(bins: readonly CourseBin[], taken: readonly boolean[]): Span[] {
  const spans: Span[] = [];
  bins.forEach(({ from_s, to_s }, i) => {
    if (!taken[i]) return;
    const open = taken[i - 1] ? spans.pop() : undefined;
    spans.push({ from_s: open?.from_s ?? from_s, to_s });
  });
  return spans;
}

function isIn(spans: readonly Span[], { from_s, to_s }: CourseBin): boolean {
  return spans.some((span) => from_s >= span.from_s && to_s <= span.to_s);
}

function missedIn(bins: readonly CourseBin[], span: Span): number {
  return total(
    bins.filter((bin) => isIn([span], bin)),
    'missed',
  );
}
